"""Filters over the descriptions of services: secrets, and the table of network flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils import services


def services_tagged(names: Sequence[str], run: Sequence[str], skip: Sequence[str]) -> list[str]:
    """The services whose role is among the tags of a run, in the order given."""
    return [
        name
        for name in names
        if ("all" in run or services.role_of(name) in run) and services.role_of(name) not in skip
    ]


class FilterModule:
    """Filters of this file, for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "network_table": services.network_table,
            "platform_secrets": services.platform_secrets,
            "services_tagged": services_tagged,
            "service_secret_environment": services.secret_environment,
        }
