"""The door under test, which of the two it is, and what it is known not to do."""

from __future__ import annotations

import pytest

from client_console.front_door import split_address
from tests.door.differences import DOORS, rows
from tests.door.trickle import Trickle, trickles
from tests.door.wire import Wire
from tests.e2e.conftest import alice, cluster, platform
from tests.support.cluster import Cluster, Workload
from tests.support.platform import Platform

__all__ = ["alice", "cluster", "platform"]

NAMESPACE = "api-gateway"


@pytest.fixture(scope="session")
def door(cluster: Cluster) -> Workload:
    """The Deployment that serves the Ingresses."""
    names = {
        found.metadata.name for found in cluster.apps.list_namespaced_deployment(NAMESPACE).items
    }
    (name,) = names & set(DOORS)
    return Workload(NAMESPACE, name)


@pytest.fixture(scope="session")
def wire(platform: Platform) -> Wire:
    address, port = split_address(platform.config.address)
    assert platform.config.ca_file is not None
    return Wire(address, port or 443, platform.config.ca_file)


@pytest.fixture(scope="session")
def host(platform: Platform) -> str:
    """The host of the GraphQL endpoint."""
    return platform.config.host


@pytest.fixture(scope="session", autouse=True)
def trickled(wire: Wire, host: str) -> dict[str, Trickle]:
    """Slow requests, under way from the first test on."""
    return trickles(wire, host)


@pytest.fixture(autouse=True)
def guarantee(request: pytest.FixtureRequest, door: Workload) -> None:
    """Leave out what this door is known not to do; the reason is what the documentation says."""
    for marker in request.node.iter_markers("row"):
        row = rows()[marker.args[0]]
        if door.name in row.cannot:
            pytest.skip(f"{door.name}: {row.cannot[door.name]}")
