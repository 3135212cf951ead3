"""What tests of the supply builder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts import Host, host


@pytest.fixture
def no_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy and no login of the person who runs the tests."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def cache(no_way_out: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of the test's own, an amd64 machine, no proxy, nobody logged in."""
    monkeypatch.setenv("TRACKUNIT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("supply.builder.machine.platform.machine", lambda: "x86_64")
    return tmp_path / "cache"


@pytest.fixture
def there() -> Iterator[Host]:
    """A host that answers."""
    with host() as made:
        yield made
