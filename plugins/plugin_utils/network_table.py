"""The table of network flows: who is installed, and which flows that leaves. No Ansible in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAME_LABEL = "app.kubernetes.io/name"

Table = Mapping[str, Any]


class NetworkTableError(ValueError):
    """The table contradicts itself; the text names the flow."""


def as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def workloads_of(table: Table) -> dict[str, dict[str, Any]]:
    """The workloads that are installed, by their key in the table."""
    return {
        str(key): {"name": str(key), "ports": [], **dict(workload)}
        for key, workload in table["workloads"].items()
        if dict(workload).get("enabled", True)
    }


def flows_of(table: Table) -> list[dict[str, Any]]:
    """One entry for each source and destination that are both installed; mistakes are refused."""
    known = {str(key) for key in (*table["workloads"], *table["peers"])}
    absent = {str(key) for key in table["workloads"]} - set(workloads_of(table))
    absent |= {
        str(key) for key, peer in table["peers"].items() if not dict(peer).get("enabled", True)
    }
    flows = []
    for flow in table["flows"]:
        for source in as_list(flow["from"]):
            for target in as_list(flow["to"]):
                for end in (source, target):
                    if end not in known:
                        raise NetworkTableError(
                            f"network flow '{source} -> {target}': '{end}' is neither a workload "
                            f"nor a peer; known are {', '.join(sorted(known))}"
                        )
                if source in absent or target in absent:
                    continue
                flows.append(
                    {
                        "from": str(source),
                        "to": str(target),
                        "ports": _ports(table, source, target, flow),
                        "why": str(flow.get("why", "")),
                        "protocols": [str(name) for name in as_list(flow.get("protocol", "TCP"))],
                    }
                )
    return flows


def _ports(table: Table, source: str, target: str, flow: Mapping[str, Any]) -> list[int]:
    """The ports of a flow: its own, or those of the other end where that leaves no choice."""
    end = dict(table["peers"].get(target) or table["workloads"].get(target) or {})
    listens = [int(port) for port in as_list(end.get("ports"))]
    ports = [int(port) for port in as_list(flow.get("port"))]
    if not ports and listens and (target in table["peers"] or len(listens) == 1):
        return listens
    if not ports:
        raise NetworkTableError(
            f"network flow '{source} -> {target}' names no port, and {target} listens on "
            f"{listens}; give it a port"
        )
    if target in table["workloads"]:
        for port in ports:
            if port not in listens:
                raise NetworkTableError(
                    f"network flow '{source} -> {target}': {target} does not listen on {port}, "
                    f"only on {listens}; correct the flow or the workload's 'ports'"
                )
    return ports
