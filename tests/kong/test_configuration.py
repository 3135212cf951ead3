"""What Kong would be told by the objects that role front_door writes."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from tests.kong.recorder import Configuration

HOSTS = ["graphql.local", "storage.graphql.local", "login.graphql.local"]
PATHS = {
    "graphql.local": {"/graphql/", "~/graphql$"},
    "storage.graphql.local": {"/tu-images/", "~/tu-images$"},
    "login.graphql.local": {
        "/realms/trackunit/",
        "~/realms/trackunit$",
        "/resources/",
        "~/resources$",
    },
}

Plugins = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def services(kong_configuration: Configuration) -> dict[str, dict[str, Any]]:
    """Services by the host of their routes."""
    found: dict[str, dict[str, Any]] = {}
    for service in kong_configuration["services"]:
        for route in service["routes"]:
            for host in route["hosts"]:
                found[host] = service
    return found


def _routes(service: dict[str, Any]) -> list[dict[str, Any]]:
    routes: list[dict[str, Any]] = service["routes"]
    return routes


@pytest.fixture(scope="session")
def plugins(kong_configuration: Configuration, services: dict[str, dict[str, Any]]) -> Plugins:
    """Settings of the plugins by host and name."""
    names = {host: {route["name"] for route in _routes(services[host])} for host in services}
    return {
        host: {
            plugin["name"]: plugin["config"]
            for plugin in kong_configuration["plugins"]
            if plugin["route"] in routes
        }
        for host, routes in names.items()
    }


def test_every_host_has_a_route_and_nothing_else_has(services: dict[str, dict[str, Any]]) -> None:
    assert sorted(services) == sorted(HOSTS)


@pytest.mark.parametrize("host", HOSTS)
def test_routes_take_tls_only_and_keep_path_and_host(
    services: dict[str, dict[str, Any]], host: str
) -> None:
    for route in _routes(services[host]):
        assert route["protocols"] == ["https"]
        assert route["strip_path"] is False
        assert route["preserve_host"] is True


@pytest.mark.parametrize("host", HOSTS)
def test_routes_have_the_paths_of_their_host_only(
    services: dict[str, dict[str, Any]], host: str
) -> None:
    paths = {path for route in _routes(services[host]) for path in route["paths"]}
    assert paths == PATHS[host]


def test_backends(services: dict[str, dict[str, Any]], kong_configuration: Configuration) -> None:
    targets = {
        upstream["name"]: [target["target"] for target in upstream.get("targets", [])]
        for upstream in kong_configuration["upstreams"]
    }
    assert targets[services["storage.graphql.local"]["host"]] == [
        "object-storage.object-storage.svc.cluster.local:7070"
    ]
    assert targets[services["login.graphql.local"]["host"]] == [
        "keycloak.identity.svc.cluster.local:8080"
    ]
    assert services["graphql.local"]["host"].startswith("oauth2-proxy.")


def test_a_subscription_may_be_silent_for_an_hour(services: dict[str, dict[str, Any]]) -> None:
    assert services["graphql.local"]["read_timeout"] == 3_600_000
    assert services["graphql.local"]["write_timeout"] == 3_600_000


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_has_the_common_plugins(plugins: Plugins, host: str) -> None:
    found = plugins[host]
    assert found["rate-limiting"]["policy"] == "local"
    assert found["cors"]["origins"] == ["https://app.example.org"]
    assert found["response-transformer"]["remove"]["headers"] == ["Server", "X-Powered-By"]
    # The correlation id is nginx's: the plugin would keep any rubbish that a client sends.
    assert "correlation-id" not in found


@pytest.mark.parametrize("host", HOSTS)
def test_a_burst_is_one_seconds_and_the_average_a_minutes(plugins: Plugins, host: str) -> None:
    limit = plugins[host]["rate-limiting"]
    assert (limit["second"], limit["minute"]) == (200, 100 * 60)
    assert limit["hide_client_headers"] is True


def test_no_header_that_a_plugin_writes_begins_with_a_space(plugins: Plugins) -> None:
    """HTTP/2 has no place for one: strict clients break off."""
    written = [
        header
        for settings in plugins.values()
        for config in settings.values()
        for action in config.values()
        if isinstance(action, dict)
        for header in action.get("headers") or []
    ]
    assert written
    assert [header for header in written if " " in header] == []


@pytest.mark.parametrize(
    ("host", "limit"),
    [
        ("graphql.local", 1024 * 1024),
        ("login.graphql.local", 1024 * 1024),
        ("storage.graphql.local", 10 * 1024 * 1024),
    ],
)
def test_request_bodies_are_limited(plugins: Plugins, host: str, limit: int) -> None:
    config = plugins[host]["request-size-limiting"]
    assert config["size_unit"] == "bytes"
    assert config["allowed_payload_size"] == limit


def test_only_the_query_of_a_presigned_url_opens_the_storage(plugins: Plugins) -> None:
    removed = plugins["storage.graphql.local"]["request-transformer"]["remove"]
    assert removed["headers"] == ["Authorization"]


def test_the_token_reaches_oauth2_proxy(plugins: Plugins) -> None:
    assert "request-transformer" not in plugins["graphql.local"]


def test_the_certificate_serves_every_host(kong_configuration: Configuration) -> None:
    (certificate,) = kong_configuration["certificates"]
    assert sorted(sni["name"] for sni in certificate["snis"]) == sorted(HOSTS)
    assert "PRIVATE KEY" in certificate["key"]
    names = (
        x509.load_pem_x509_certificate(certificate["cert"].encode())
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value.get_values_for_type(x509.DNSName)
    )
    assert sorted(names) == sorted(HOSTS)
