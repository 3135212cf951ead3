"""Turns the table of network flows into NetworkPolicies, and into the probes that test them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

NAME_LABEL = "app.kubernetes.io/name"
PROBE_LABEL = "trackunit.platform/network-probe"
MANAGED_LABELS = {"app.kubernetes.io/managed-by": "trackunit-platform"}

Table = Mapping[str, Any]
Manifest = dict[str, Any]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _workloads(table: Table) -> dict[str, dict[str, Any]]:
    """The workloads that are installed, by their key in the table."""
    return {
        str(key): {"name": str(key), "ports": [], **dict(workload)}
        for key, workload in table["workloads"].items()
        if dict(workload).get("enabled", True)
    }


def _flows(table: Table) -> list[dict[str, Any]]:
    """One entry for each source and destination that are both installed; mistakes are refused."""
    known = {str(key) for key in (*table["workloads"], *table["peers"])}
    absent = {str(key) for key in table["workloads"]} - set(_workloads(table))
    absent |= {
        str(key) for key, peer in table["peers"].items() if not dict(peer).get("enabled", True)
    }
    flows = []
    for flow in table["flows"]:
        for source in _as_list(flow["from"]):
            for target in _as_list(flow["to"]):
                for end in (source, target):
                    if end not in known:
                        raise AnsibleFilterError(
                            f"network flow '{source} -> {target}': '{end}' is neither a workload "
                            f"nor a peer; known are {', '.join(sorted(known))}"
                        )
                if source in absent or target in absent:
                    continue
                _check_port(table, source, target, flow)
                flows.append(
                    {
                        "from": str(source),
                        "to": str(target),
                        "ports": [int(port) for port in _as_list(flow["port"])],
                        "protocols": [str(name) for name in _as_list(flow.get("protocol", "TCP"))],
                    }
                )
    return flows


def _check_port(table: Table, source: str, target: str, flow: Mapping[str, Any]) -> None:
    if target not in table["workloads"]:
        return
    listens = [int(port) for port in _as_list(table["workloads"][target].get("ports"))]
    for port in _as_list(flow["port"]):
        if int(port) not in listens:
            raise AnsibleFilterError(
                f"network flow '{source} -> {target}': {target} does not listen on {port}, "
                f"only on {listens}; correct the flow or the workload's 'ports'"
            )


def _peer(table: Table, key: str) -> list[Manifest]:
    """The other end of a flow, as a NetworkPolicy names it."""
    if key in table["workloads"]:
        workload = _workloads(table)[key]
        return [
            {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": workload["namespace"]}
                },
                "podSelector": {"matchLabels": {NAME_LABEL: workload["name"]}},
            }
        ]
    peer = table["peers"][key]
    if "labels" in peer:
        return [
            {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": peer["namespace"]}
                },
                "podSelector": {"matchLabels": dict(peer["labels"])},
            }
        ]
    cidrs = _as_list(peer.get("cidrs"))
    if not cidrs:
        raise AnsibleFilterError(f"network peer '{key}' has neither labels nor addresses (cidrs)")
    outside = [str(cidr) for cidr in _as_list(peer.get("except"))]
    block = {"except": outside} if outside else {}
    return [{"ipBlock": {"cidr": str(cidr), **block}} for cidr in cidrs]


def _rules(table: Table, flows: Iterable[Mapping[str, Any]], end: str) -> list[Manifest]:
    """Policy rules of one direction; flows of the same ports share one rule."""
    by_ports: dict[tuple[tuple[str, int], ...], list[Manifest]] = {}
    for flow in flows:
        ports = tuple(
            (protocol, port) for port in sorted(flow["ports"]) for protocol in flow["protocols"]
        )
        peers = by_ports.setdefault(ports, [])
        peers.extend(peer for peer in _peer(table, flow[end]) if peer not in peers)
    direction = "from" if end == "from" else "to"
    return [
        {
            direction: peers,
            "ports": [{"protocol": protocol, "port": port} for protocol, port in ports],
        }
        for ports, peers in by_ports.items()
    ]


def network_policies(table: Table, only: Sequence[str] | None = None) -> list[Manifest]:
    """One NetworkPolicy for each workload of the table, or for those named."""
    workloads = _workloads(table)
    flows = _flows(table)
    wanted = workloads if only is None else [key for key in only if key in workloads]
    if only is not None and (unknown := set(only) - {str(key) for key in table["workloads"]}):
        raise AnsibleFilterError(
            f"no workload {', '.join(sorted(unknown))} in the table of network flows: add it to "
            "network_policies_workloads with its namespace and ports"
        )
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {
                "name": workloads[key]["name"],
                "namespace": workloads[key]["namespace"],
                "labels": dict(MANAGED_LABELS),
            },
            "spec": {
                "podSelector": {"matchLabels": {NAME_LABEL: workloads[key]["name"]}},
                "policyTypes": ["Ingress", "Egress"],
                **_direction("ingress", table, [f for f in flows if f["to"] == key], "from"),
                **_direction("egress", table, [f for f in flows if f["from"] == key], "to"),
            },
        }
        for key in wanted
    ]


def _direction(
    name: str, table: Table, flows: Sequence[Mapping[str, Any]], end: str
) -> dict[str, list[Manifest]]:
    # An empty list means the same as none, but the API server writes the object anew for it.
    rules = _rules(table, flows, end)
    return {name: rules} if rules else {}


def network_probes(table: Table, addresses: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """What each workload must reach and what it must not.

    ``addresses`` gives the pod addresses of each workload and of each peer that is probed. A pod
    outside every namespace of ours is one more source ("stranger"): nothing may answer it.
    """
    workloads = _workloads(table)
    if silent := [key for key in workloads if workloads[key]["ports"] and not addresses.get(key)]:
        raise AnsibleFilterError(f"no pod is ready of {', '.join(silent)}: nothing to probe there")
    allowed = {
        (flow["from"], flow["to"], port)
        for flow in _flows(table)
        if "TCP" in flow["protocols"]
        for port in flow["ports"]
    }
    targets = [
        (key, str(host), int(port))
        for key, workload in workloads.items()
        for port in _as_list(workload["ports"])
        for host in addresses.get(key, [])
    ]
    outside = [
        (str(key), str(host), int(port))
        for key, peer in table["peers"].items()
        if dict(peer).get("enabled", True)
        for port in _as_list(dict(peer).get("probe_ports"))
        for host in addresses.get(str(key), [])
    ]
    probes = [
        {
            "source": key,
            "name": workload["name"],
            "namespace": workload["namespace"],
            "targets": [
                {
                    "target": target,
                    "host": host,
                    "port": port,
                    "allowed": (key, target, port) in allowed,
                }
                for target, host, port in (*targets, *outside)
            ],
        }
        for key, workload in workloads.items()
    ]
    stranger = {
        "source": "stranger",
        "name": "stranger",
        "namespace": "default",
        "targets": [
            {"target": target, "host": host, "port": port, "allowed": False}
            for target, host, port in targets
        ],
    }
    return [*probes, stranger]


def network_addresses(pods: Sequence[Mapping[str, Any]], table: Table) -> dict[str, list[str]]:
    """Addresses of one ready pod of each workload, and of each peer that is given by labels."""
    wanted = {
        key: (workload["namespace"], {NAME_LABEL: workload["name"]})
        for key, workload in _workloads(table).items()
    }
    wanted |= {
        str(key): (peer["namespace"], dict(peer["labels"]))
        for key, peer in table["peers"].items()
        if "labels" in peer
    }
    found: dict[str, list[str]] = {key: [] for key in wanted}
    for pod in pods:
        metadata, status = pod["metadata"], pod.get("status") or {}
        labels = metadata.get("labels") or {}
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in status.get("conditions") or ()
        )
        for key, (namespace, selector) in wanted.items():
            if metadata["namespace"] != namespace or not ready or found[key]:
                continue
            if all(labels.get(name) == value for name, value in selector.items()):
                found[key].append(str(status["podIP"]))
    return found


def network_probe_report(pods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the probes found that the table says otherwise, and how much was tried.

    Each pod leaves its findings in its termination message.
    """
    wrong, allowed, denied = [], 0, 0
    for pod in pods:
        source = str(pod["metadata"]["labels"][PROBE_LABEL])
        states = (pod.get("status") or {}).get("containerStatuses") or [{}]
        ended = (states[0].get("state") or {}).get("terminated") or {}
        message = str(ended.get("message") or "").strip()
        try:
            found = json.loads(message)
        except ValueError:
            wrong.append(f"{source:<26} gave no answer: {message[-300:] or ended or 'not ended'}")
            continue
        allowed += found["allowed"]
        denied += found["denied"]
        wrong.extend(
            f"{source:<26} -> {target['target']:<26} {target['host']}:{target['port']} "
            + ("must connect and does not" if target["allowed"] else "CONNECTS AND MUST NOT")
            for target in found["wrong"]
        )
    summary = (
        f"network probes: {len(pods)} sources, {allowed} allowed and {denied} denied connections "
        f"tried, {len(wrong)} wrong"
    )
    return {"summary": summary, "wrong": sorted(wrong), "allowed": allowed, "denied": denied}


class FilterModule:
    """Filters of this file, for Ansible."""

    def filters(self) -> dict[str, Any]:
        return {
            "network_policies": network_policies,
            "network_probes": network_probes,
            "network_addresses": network_addresses,
            "network_probe_report": network_probe_report,
        }
