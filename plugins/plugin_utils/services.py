"""What a service is: reads its role's description and works out what follows from it.

No Ansible in here, so that tests and scripts can use it. A description is plain YAML without
templates, in roles/<role>/vars/main.yml under the key _<role>_description.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

DEFAULTS: dict[str, Any] = {
    "connections": {},
    "flows": [],
    "port": 8080,
    "settings": {},
    "secrets": {},
    "drain_seconds": 5,
    "termination_seconds": 45,
}
FLOW_KEYS = ("from", "to", "port", "protocol", "why")
DNS = {
    "to": "kube-dns",
    "port": 53,
    "protocol": ["UDP", "TCP"],
    "why": "names of Services; whoever asks nobody gets no DNS either",
}

Description = dict[str, Any]


class ServiceError(ValueError):
    """A description is missing or wrong; the text says which and what to write."""


def role_of(service: str) -> str:
    """The name of a service's role and of its Python package."""
    return service.replace("-", "_")


def near(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, as the end of a sentence."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def described(
    services: Iterable[str], connections_extra: Mapping[str, Any] | None = None, root: Path = ROOT
) -> dict[str, Description]:
    """The complete description of each service, in the order given."""
    connections = {**connection_table(root), **(connections_extra or {})}
    return {str(name): _description(str(name), connections, root) for name in services}


def connection_table(root: Path = ROOT) -> dict[str, Any]:
    """What each connection brings, as role service has it."""
    return dict(read_yaml(root / "roles/service/vars/main.yml")["_service_connections"])


def _description(name: str, connections: Mapping[str, Any], root: Path) -> Description:
    file = root / "roles" / role_of(name) / "vars/main.yml"
    key = f"_{role_of(name)}_description"
    if not file.exists():
        raise ServiceError(
            f"service {name}: there is no {file.relative_to(root)}; "
            f"make new-service NAME={name} makes one"
        )
    raw = (read_yaml(file) or {}).get(key)
    if not isinstance(raw, Mapping):
        raise ServiceError(f"service {name}: {file.relative_to(root)} has no mapping {key}")
    where = f"{file.relative_to(root)}: {key}"
    if "{{" in str(raw):
        raise ServiceError(f"{where} is read without Ansible, so it cannot hold templates")
    _refuse_unknown(raw, DEFAULTS, where)
    said = {**DEFAULTS, **raw}
    _refuse_unknown(said["connections"], connections, f"{where}: connections")
    for flow in said["flows"]:
        _refuse_unknown(flow, FLOW_KEYS, f"{where}: flows")
    return {
        **said,
        "name": name,
        "role": role_of(name),
        "connections": list(said["connections"]),
        "flows": _flows(name, said, connections),
        "secrets": _secrets(name, said, connections),
    }


def _refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    for name in given:
        if name not in known:
            raise ServiceError(
                f"{where} names {name}, which is none of {', '.join(sorted(known))}"
                f"{near(str(name), known)}"
            )


def _flows(
    name: str, said: Mapping[str, Any], connections: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Every flow from and to a service: those of its connections, its own, and its DNS."""
    flows = [
        {**flow, "from": name, "why": why}
        for connection, why in said["connections"].items()
        for flow in connections[connection].get("flows", [])
    ]
    flows += [{**({} if "from" in flow else {"from": name}), **flow} for flow in said["flows"]]
    flows = [{**flow, "to": flow.get("to", name)} for flow in flows]
    asks = any(flow["from"] == name for flow in flows)
    return [*flows, {"from": name, **DNS}] if asks else flows


def _secrets(
    name: str, said: Mapping[str, Any], connections: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The secrets of a service by the environment variable that gives it each."""
    found: dict[str, dict[str, Any]] = {}
    for connection in said["connections"]:
        found |= connections[connection].get("secrets", {})
    found |= said["secrets"]
    return {
        variable: {**secret, "name": str(secret["name"]).replace("<service>", name)}
        for variable, secret in found.items()
    }


def network_table(table: Mapping[str, Any], services: Mapping[str, Description]) -> dict[str, Any]:
    """The one table of flows: that of the third-party parts, with what the services say."""
    workloads = {
        name: {"namespace": name, "ports": [service["port"]]} for name, service in services.items()
    }
    if twice := sorted(set(workloads) & set(table["workloads"])):
        raise ServiceError(f"{', '.join(twice)}: both a service and a workload of another kind")
    return {
        "workloads": {**table["workloads"], **workloads},
        "peers": dict(table["peers"]),
        "flows": [*table["flows"], *(flow for s in services.values() for flow in s["flows"])],
    }


def platform_secrets(
    parts: Mapping[str, Any],
    services: Mapping[str, Description],
    extra: Mapping[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """Every secret that is generated: its form, and the roles that use it, in order."""
    known = {
        name: {**secret, "used_by": list(secret.get("used_by", []))}
        for name, secret in {**parts, **(extra or {})}.items()
    }
    for service in services.values():
        for secret in service["secrets"].values():
            name = secret["name"]
            if "alphabet" in secret:
                form = {key: secret[key] for key in ("alphabet", "length")}
                known.setdefault(name, {**form, "used_by": list(secret.get("also", []))})
            if name in known and service["role"] not in known[name]["used_by"]:
                known[name]["used_by"].append(service["role"])
    return known


def secret_environment(service: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """The secret environment variables of a service. One that is optional may be absent."""
    found = {}
    for variable, secret in service["secrets"].items():
        if secret["name"] in secrets:
            found[str(variable)] = secrets[secret["name"]]
        elif not secret.get("optional"):
            raise ServiceError(
                f"{service['name']}: {variable}: no secret is called {secret['name']}"
            )
    return found


@functools.cache
def _parsed(file: Path, _: int) -> Any:
    # The C parser where there is one: the files are read in every play.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_bytes(), Loader=loader)  # noqa: S506 - safe


def read_yaml(file: Path) -> Any:
    """The content of a file, parsed once as long as it does not change."""
    return _parsed(file, file.stat().st_mtime_ns)
