"""What can be reached from outside: one address, one port, three hosts, and no more of them."""

import socket

import pytest

from client_console.front_door import split_address
from tests.support.cluster import Cluster
from tests.support.platform import Platform

# Inside the cluster all of these listen on something.
CLOSED = (80, 4180, 5672, 6443, 7070, 8000, 8001, 8002, 8007, 8080, 8100, 8443, 8444, 8445, 9000)
CLOSED += (9090, 9092, 9100, 10254, 10255, 15672, 15692)
SYSTEM = {"kube-system", "kube-public", "kube-node-lease", "local-path-storage", "default"}


@pytest.fixture(scope="module")
def hosts(platform: Platform) -> dict[str, str]:
    name = platform.config.host
    return {"graphql": name, "storage": f"storage.{name}", "login": f"login.{name}"}


def test_one_load_balancer_with_one_port(cluster: Cluster) -> None:
    services = cluster.core.list_service_for_all_namespaces().items
    kinds = [s for s in services if s.spec.type in ("LoadBalancer", "NodePort")]
    assert [s.spec.type for s in kinds] == ["LoadBalancer"], [s.metadata.name for s in kinds]
    assert [port.port for port in kinds[0].spec.ports] == [443]
    assert not any(s.spec.external_ips for s in services)


def test_no_pod_of_the_platform_is_on_the_host(cluster: Cluster) -> None:
    for pod in cluster.core.list_pod_for_all_namespaces().items:
        if pod.metadata.namespace in SYSTEM:
            continue
        containers = [*pod.spec.containers, *(pod.spec.init_containers or [])]
        ports = [p.host_port for c in containers for p in c.ports or [] if p.host_port]
        assert not ports, pod.metadata.name
        assert not (pod.spec.host_network or pod.spec.host_pid or pod.spec.host_ipc)


@pytest.mark.parametrize("port", CLOSED)
def test_no_other_port_is_open(platform: Platform, port: int) -> None:
    host, door = split_address(platform.config.address)
    # It is only the port that is closed if the address itself answers.
    socket.create_connection((host, door or 443), timeout=30).close()
    with pytest.raises(OSError), socket.create_connection((host, port), timeout=2):
        pass


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("graphql", "/"),
        ("graphql", "/graphqlx"),
        ("graphql", "/oauth2/sign_in"),
        ("graphql", "/oauth2/start"),
        ("graphql", "/metrics"),
        ("graphql", "/health/ready"),
        ("graphql", "/admin/"),
        ("graphql", "/tu-images/"),
        ("storage", "/"),
        ("storage", "/graphql"),
        ("storage", "/_/health"),
        ("storage", "/other-bucket/key"),
        ("login", "/"),
        ("login", "/admin"),
        ("login", "/admin/"),
        ("login", "/admin/master/console/"),
        ("login", "/admin/realms/trackunit"),
        ("login", "/realms/master"),
        ("login", "/realms/master/protocol/openid-connect/token"),
        ("login", "/realms/trackunit/../master"),
        ("login", "/realms/trackunit/..%2Fmaster"),
        ("login", "/resources/../admin/"),
        ("login", "/metrics"),
        ("login", "/health"),
        ("login", "/q/health"),
    ],
)
def test_other_paths_lead_nowhere(
    platform: Platform, hosts: dict[str, str], host: str, path: str
) -> None:
    # The target as it stands: the HTTP client would put `..` in order itself.
    answer = platform.request("GET", f"https://{hosts[host]}", extensions={"target": path.encode()})
    assert answer.status_code in (400, 401, 403, 404), (answer.status_code, answer.text[:200])


def test_the_master_realm_says_nothing(platform: Platform, hosts: dict[str, str]) -> None:
    answer = platform.request("GET", f"https://{hosts['login']}/realms/master")
    assert answer.status_code == 404
    assert "public_key" not in answer.text
