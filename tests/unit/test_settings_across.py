"""Rules across settings, names that are slips, and what only this machine can tell."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from plugins.plugin_utils import (
    settings_across,
    settings_check,
    settings_machine,
    settings_names,
)
from plugins.plugin_utils.settings_schema import topics

GOOD = {
    "cluster_provider": "kind",
    "kind_cluster_pod_subnet": "10.244.0.0/16",
    "kind_cluster_service_subnet": "10.96.0.0/16",
    "platform_domain": "graphql.local",
    "front_door_host": "graphql.local",
    "storage_host": "storage.graphql.local",
    "login_host": "login.graphql.local",
    "identity_provider": "keycloak",
    "oidc_issuer": "https://login.graphql.local/realms/trackunit",
    "object_storage_provider": "versitygw",
    "object_storage_public_endpoint": "https://storage.graphql.local",
}


def test_settings_that_fit_pass() -> None:
    assert settings_across.problems(GOOD) == {}
    # What is not set is for the schema to refuse.
    assert settings_across.problems({}) == {}


@pytest.mark.parametrize(
    ("changed", "name", "said"),
    [
        (
            {"kind_cluster_pod_subnet": "10.96.0.0/16"},
            "kind_cluster_pod_subnet",
            "overlaps kind_cluster_service_subnet (10.96.0.0/16)",
        ),
        (
            {"kind_cluster_pod_subnet": "10.0.0.0/8"},
            "kind_cluster_pod_subnet",
            "overlaps kind_cluster_service_subnet",
        ),
        ({"login_host": "login.example.org"}, "login_host", "not below platform_domain"),
        ({"front_door_host": "xgraphql.local"}, "front_door_host", "not below platform_domain"),
        ({"storage_host": "graphql.local"}, "storage_host", "which is front_door_host already"),
        (
            {"oidc_issuer": "https://login.graphql.local/trackunit"},
            "oidc_issuer",
            "not https://login.graphql.local/realms/<realm> while identity_provider is keycloak",
        ),
        ({"identity_provider": "external"}, "oidc_issuer", "which is the local Keycloak"),
        (
            {"object_storage_public_endpoint": "https://s3.example.org"},
            "object_storage_public_endpoint",
            "not https://storage.graphql.local while object_storage_provider is versitygw",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    changed: dict[str, str], name: str, said: str
) -> None:
    wrong, _ = settings_across.problems({**GOOD, **changed})[name]
    assert said in wrong


def test_only_hosts_that_are_served_must_differ() -> None:
    values = {**GOOD, "storage_host": "graphql.local", "object_storage_provider": "external"}
    assert settings_across.problems(values) == {}


def test_only_a_cluster_of_ours_has_subnets_of_ours() -> None:
    values = {**GOOD, "cluster_provider": "existing", "kind_cluster_pod_subnet": "10.96.0.0/16"}
    assert settings_across.problems(values) == {}


@pytest.mark.parametrize(
    ("name", "common_name"),
    [("platform_domain", "{} platform CA"), ("front_door_host", "{}")],
)
def test_the_longest_name_is_the_longest_that_a_certificate_takes(
    name: str, common_name: str
) -> None:
    longest = topics()["front_door"]["properties"][name]["maxLength"]
    x509.NameAttribute(NameOID.COMMON_NAME, common_name.format("x" * longest))
    with pytest.raises(ValueError, match="64"):
        x509.NameAttribute(NameOID.COMMON_NAME, common_name.format("x" * (longest + 1)))


SETTINGS = ["platform_domain", "supply", "kind_cluster_workers", "graph_gateway_replicas"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("platform_domian", "platform_domain"),
        ("platfrom_domian", "platform_domain"),
        ("platform_domains", "platform_domain"),
        ("domain_platform", "platform_domain"),
        ("PLATFORM_DOMAIN", "platform_domain"),
        ("suply", "supply"),
        ("graph_gateway_replica", "graph_gateway_replicas"),
        ("kong_replicaas", "kong_replicas"),
    ],
)
def test_a_slip_says_what_was_meant(name: str, meant: str) -> None:
    given = {name: "x", "platform_domain": "graphql.local"}
    assert settings_names.slips(given, SETTINGS, ["kong_replicas"]) == {name: meant}


@pytest.mark.parametrize(
    "given",
    [
        {"team": "a", "my_platform": "b", "domain": "c", "supplies": "d", "replicas": 3},
        # Known, used by another variable, Ansible's own.
        {"kong_replicas": 1},
        {"platform_domains": ["a"], "hosts": "{{ platform_domains | join(',') }}"},
        {"ansible_supply": "x", "_supply": "x"},
    ],
)
def test_variables_of_a_user_are_left_alone(given: dict[str, Any]) -> None:
    assert settings_names.slips(given, SETTINGS, ["kong_replicas"]) == {}


def test_facts_of_our_own_plays_are_no_slips() -> None:
    schema = settings_check.schema_of(["graph-gateway"], [])
    fact = "supply_charts"
    assert settings_names.nearest(fact, ["supply_parts"])
    assert settings_check.slips(schema, {fact: {}, "supply_part": {}}, []) == {
        "supply_part": "supply_parts"
    }


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        ("", "ab", 2),
        ("ab", "ba", 1),
        ("abc", "abc", 0),
        ("abc", "axd", 2),
        ("kitten", "sitting", 3),
    ],
)
def test_distance(one: str, two: str, apart: int) -> None:
    assert settings_names.distance(one, two) == apart


KUBECONFIG = """\
clusters: [{name: one, cluster: {server: "https://10.0.0.1:6443"}}]
contexts: [{name: one, context: {cluster: one, user: one}}]
current-context: one
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no such file"),
        ("", "names no clusters"),
        ("a: [", "no YAML"),
        ("just words", "names no clusters"),
        ("clusters: []", "names no clusters"),
        (
            KUBECONFIG.replace("current-context: one", "current-context: two"),
            "none of its contexts",
        ),
        (KUBECONFIG.replace("current-context: one", ""), "none of its contexts"),
        (KUBECONFIG, None),
    ],
)
def test_a_kubeconfig_is_one(tmp_path: Path, text: str | None, said: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    values = {"cluster_provider": "existing", "platform_kubeconfig": str(path)}
    found = settings_machine.problems(values)
    assert (said or "") in found.get("platform_kubeconfig", "")
    assert bool(found) == bool(said)
    # The one of a kind cluster is written by the platform itself.
    assert settings_machine.problems({**values, "cluster_provider": "kind"}) == {}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that a program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def engine(folder: Path, says: str) -> None:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    program.chmod(0o755)


def test_a_port_in_use_is_refused_unless_it_is_the_clusters(
    taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    values = {
        "cluster_provider": "kind",
        "kind_cluster_api_server_port": taken,
        "platform_name": "trackunit",
    }
    engine(tmp_path, "exit 1")
    (wrong,) = settings_machine.problems(values).values()
    assert f"{taken}, which another program of this machine listens on" in wrong

    engine(tmp_path, f'[ "$2" = trackunit-control-plane ] && echo "6443/tcp -> 127.0.0.1:{taken}"')
    assert settings_machine.problems(values) == {}
    assert settings_machine.problems({**values, "platform_name": "another"})
    assert settings_machine.problems({**values, "cluster_provider": "existing"}) == {}
    assert settings_machine.problems({**values, "kind_cluster_api_server_port": 0}) == {}


def test_a_free_port_is_taken(taken: int) -> None:
    assert settings_machine.port_in_use(taken)
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert not settings_machine.port_in_use(free)
