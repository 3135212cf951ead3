"""The platform under test and its users, who log in once per session."""

import os
from pathlib import Path

import pytest

from client_console.config import default_path
from tests.support.cluster import Cluster
from tests.support.platform import Account, Platform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What works when nobody disturbs it comes first; a token expires and a
    slow request is cut best while others wait."""

    def turn(item: pytest.Item) -> int:
        if item.path.stem in ("test_expired", "test_trickled"):
            return 3
        return 2 if item.get_closest_marker("chaos") else bool(item.get_closest_marker("release"))

    items.sort(key=turn)


@pytest.fixture(scope="session")
def platform() -> Platform:
    state = default_path().parent
    if not (state / "client.json").exists():
        pytest.fail(f"no platform in {state}: `make up`, or set TRACKUNIT_STATE_DIR")
    return Platform(state)


@pytest.fixture(scope="session")
def cluster(platform: Platform) -> Cluster:
    return Cluster.of(Path(os.environ.get("KUBECONFIG") or platform.state / "kubeconfig"))


@pytest.fixture(scope="session")
def alice(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Account:
    return platform.account("alice", tmp_path_factory.mktemp("alice"))


@pytest.fixture(scope="session")
def bob(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Account:
    return platform.account("bob", tmp_path_factory.mktemp("bob"))


@pytest.fixture(scope="session")
def without_scope(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """Alice, who did not ask for the API's scope."""
    return platform.account("alice", tmp_path_factory.mktemp("without-scope"), scope="openid")


@pytest.fixture(scope="session")
def other_audience(platform: Platform) -> str:
    """A token of the same issuer and scope, made for another API."""
    api_scope = platform.config.scope.removeprefix("openid").strip()
    return platform.client_token(platform.test_users["other_audience"], api_scope)
