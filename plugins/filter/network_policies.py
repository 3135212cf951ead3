"""Turns the table of network flows into NetworkPolicies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.network_table import (
    NAME_LABEL,
    NetworkTableError,
    Table,
    as_list,
    flows_of,
    workloads_of,
)

DOCUMENTATION = r"""
name: network_policies
short_description: NetworkPolicies from the table of flows
version_added: 0.1.0
author: The Trackunit platform maintainers (@trackunit)
description:
  - Takes the table that the role C(network_policies) resolves (workloads, flows, peers) and returns
    one NetworkPolicy for each workload. What the table does not name stays denied by the default
    policy of the namespace.
  - Rules and peers are sorted, so that the order of the table changes nothing in a cluster.
positional: only
options:
  _input:
    description: The table, with the keys C(workloads), C(flows) and C(peers).
    type: dict
    required: true
  only:
    description: Names of the workloads to return policies for; all when not given.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Apply the policy of one workload
  kubernetes.core.k8s:
    definition: "{{ network_policies_table | trackunit.platform.network_policies(['kafka']) }}"
"""

RETURN = r"""
_value:
  description: NetworkPolicy manifests.
  type: list
  elements: dict
"""

MANAGED_LABELS = {"app.kubernetes.io/managed-by": "trackunit-platform"}

Manifest = dict[str, Any]


def _peer(table: Table, key: str) -> list[Manifest]:
    """The other end of a flow, as a NetworkPolicy names it."""
    if key in table["workloads"]:
        workload = workloads_of(table)[key]
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
    cidrs = as_list(peer.get("cidrs"))
    if not cidrs:
        raise NetworkTableError(f"network peer '{key}' has neither labels nor addresses (cidrs)")
    outside = [str(cidr) for cidr in as_list(peer.get("except"))]
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
    return [
        {
            end: sorted(peers, key=json.dumps),
            "ports": [{"protocol": protocol, "port": port} for protocol, port in ports],
        }
        for ports, peers in sorted(by_ports.items())
    ]


def network_policies(table: Table, only: Sequence[str] | None = None) -> list[Manifest]:
    """One NetworkPolicy for each workload of the table, or for those named."""
    workloads = workloads_of(table)
    flows = flows_of(table)
    wanted = workloads if only is None else [key for key in only if key in workloads]
    if only is not None and (unknown := set(only) - {str(key) for key in table["workloads"]}):
        raise NetworkTableError(
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


class FilterModule:
    """The filter of this file, for Ansible."""

    def filters(self) -> dict[str, Any]:
        return {"network_policies": network_policies}
