"""Rules across settings, which no schema can say.

Each rule takes the settings and yields a setting, what is wrong with it, and an example where the
schema's own would not do. A setting that has no value, or one that the schema refuses, is left out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]
Finding = tuple[str, str, str | None]

HOSTS = ("front_door_host", "storage_host", "login_host")
# Hosts that the door serves only while a provider is the local one.
LOCAL = {
    "storage_host": ("object_storage_provider", "versitygw"),
    "login_host": ("identity_provider", "keycloak"),
}


def subnets_apart(values: Values) -> Iterator[Finding]:
    """An address belongs to a pod or to a Service, never to both."""
    names = ("kind_cluster_pod_subnet", "kind_cluster_service_subnet")
    if values.get("cluster_provider") != "kind" or not _set(values, *names):
        return
    pods, services = (ipaddress.ip_network(values[name]) for name in names)
    if pods.overlaps(services):
        yield names[0], f"is {pods}, which overlaps {names[1]} ({services})", None


def hosts_certified(values: Values) -> Iterator[Finding]:
    """The platform's CA signs for platform_domain and what is below it."""
    if values.get("certificates_provider", "own") != "own":
        return
    domain = values.get("platform_domain")
    for name in HOSTS:
        host = values.get(name)
        if domain and host and host != domain and not host.endswith(f".{domain}"):
            wrong = (
                f"is {host!r}, which is not below platform_domain ({domain}), the only domain that"
            )
            example = f"{name.partition('_')[0]}.{domain}"
            yield name, f"{wrong} the platform's CA signs for", example


def hosts_distinct(values: Values) -> Iterator[Finding]:
    """The front door tells what is behind it apart by the host alone."""
    seen: dict[str, str] = {}
    for name in HOSTS:
        provider, local = LOCAL.get(name, (None, None))
        if not _set(values, name) or (provider and values.get(provider) != local):
            continue
        host = values[name]
        if host in seen:
            yield name, f"is {host!r}, which is {seen[host]} already", None
        seen.setdefault(host, name)


def issuer_served(values: Values) -> Iterator[Finding]:
    """The local Keycloak serves its realm at login_host, and nobody else does."""
    if not _set(values, "oidc_issuer", "login_host"):
        return
    issuer, host = values["oidc_issuer"], values["login_host"]
    provider = values.get("identity_provider")
    local = re.fullmatch(rf"https://{re.escape(host)}/realms/[-_a-z0-9]+", issuer)
    while_ = f"while identity_provider is {provider}"
    if provider == "keycloak" and not local:
        wrong = f"is {issuer!r}, which is not https://{host}/realms/<realm> {while_}"
        yield "oidc_issuer", wrong, f"https://{host}/realms/trackunit"
    if provider == "external" and issuer.startswith(f"https://{host}/"):
        yield "oidc_issuer", f"is {issuer!r}, which is the local Keycloak {while_}", None


def uploads_served(values: Values) -> Iterator[Finding]:
    """The local object storage is behind the front door."""
    name = "object_storage_public_endpoint"
    if values.get("object_storage_provider") != "versitygw":
        return
    if _set(values, name, "storage_host") and values[name] != f"https://{values['storage_host']}":
        served = f"https://{values['storage_host']}"
        wrong = (
            f"is {values[name]!r}, which is not {served} while object_storage_provider is versitygw"
        )
        yield name, wrong, served


RULES: tuple[Callable[[Values], Iterator[Finding]], ...] = (
    subnets_apart,
    hosts_certified,
    hosts_distinct,
    issuer_served,
    uploads_served,
)


def problems(values: Values) -> dict[str, tuple[str, str | None]]:
    """What is wrong and an example, by setting; of each setting the first that was found."""
    found: dict[str, tuple[str, str | None]] = {}
    for rule in RULES:
        for name, wrong, example in rule(values):
            found.setdefault(name, (wrong, example))
    return found


def _set(values: Values, *names: str) -> bool:
    return all(name in values for name in names)
