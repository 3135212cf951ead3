"""Turns the table of network flows into the probes that test it, and reads what they found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.network_table import (
    NAME_LABEL,
    NetworkTableError,
    Table,
    as_list,
    flows_of,
    workloads_of,
)

PROBE_LABEL = "trackunit.platform/network-probe"


def network_probes(table: Table, addresses: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """What each workload must reach and what it must not.

    ``addresses`` gives the pod addresses of each workload and of each peer that is probed. A pod
    outside every namespace of ours is one more source ("stranger"): nothing may answer it.
    """
    workloads = workloads_of(table)
    if silent := [key for key in workloads if workloads[key]["ports"] and not addresses.get(key)]:
        raise NetworkTableError(f"no pod is ready of {', '.join(silent)}: nothing to probe there")
    allowed = {
        (flow["from"], flow["to"], port)
        for flow in flows_of(table)
        if "TCP" in flow["protocols"]
        for port in flow["ports"]
    }
    targets = [
        (key, str(host), int(port))
        for key, workload in workloads.items()
        for port in as_list(workload["ports"])
        for host in addresses.get(key, [])
    ]
    outside = [
        (str(key), str(host), int(port))
        for key, peer in table["peers"].items()
        if dict(peer).get("enabled", True)
        for port in as_list(dict(peer).get("probe_ports"))
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
        for key, workload in workloads_of(table).items()
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
            "network_probes": network_probes,
            "network_addresses": network_addresses,
            "network_probe_report": network_probe_report,
        }
