"""Filter `trackunit.platform.network_flows`: the table of flows as lines for a reader."""

from __future__ import annotations

from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.network_table import (
    Table,
    flows_of,
)


def network_flows(table: Table) -> list[str]:
    """One line for each flow between what is installed: from, to, ports, and what it is for."""
    flows = sorted(flows_of(table), key=lambda flow: (flow["from"], flow["to"]))
    wide = {end: max((len(flow[end]) for flow in flows), default=0) for end in ("from", "to")}
    return [
        f"{flow['from']:<{wide['from']}} -> {flow['to']:<{wide['to']}} "
        f"{','.join(map(str, flow['ports'])):<10} {'/'.join(flow['protocols']):<7} {flow['why']}"
        for flow in flows
    ]


class FilterModule:
    """The filter of this file, for Ansible."""

    def filters(self) -> dict[str, Any]:
        return {"network_flows": network_flows}
