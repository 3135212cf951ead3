"""Filters over the descriptions of services: secrets, and the table of network flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils import services

DOCUMENTATION = r"""
name: services
short_description: What follows from the services' descriptions
version_added: 0.1.0
author: The Trackunit platform maintainers
description:
  - C(network_table) puts the services' workloads and flows into the table of the third-party parts.
  - C(platform_secrets) adds the services' secrets to those of the parts, each with C(used_by), the
    roles that must learn of a new one.
  - C(services_tagged) gives those of the services that a run is asked for by C(--tags).
  - C(service_secret_environment) gives the secret environment variables of one service.
options:
  _input:
    description: The table, the parts' secrets, or the description of a service.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Put the table together
  ansible.builtin.set_fact:
    table: "{{ parts | trackunit.platform.network_table(platform_service_descriptions) }}"
"""

RETURN = r"""
_value:
  description: The complete table, the secrets by name, or the values by environment variable.
  type: dict
"""


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
