"""A fake platform, and the command line run against it in this process."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client_console import cli
from client_console.config import VARIABLES

# The folder of these tests is not a package: the apps' names are not names of packages.
sys.path.insert(0, str(Path(__file__).parent))

from client_fake_platform import FakePlatform, Result, Run
from client_fake_server import running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def platform(certificates: Path) -> Iterator[FakePlatform]:
    with running(certificates) as started:
        yield started


@pytest.fixture
def run(
    platform: FakePlatform,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    config = platform.config(tmp_path)

    def command(*arguments: object) -> Result:
        argv = ["client-console", "--config", str(config), *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", argv)
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return command
