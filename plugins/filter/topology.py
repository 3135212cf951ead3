"""Filter `trackunit.platform.topology`: the names that messages travel by, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.topology import topology

DOCUMENTATION = r"""
name: topology
short_description: Topics, exchanges, queues, bindings and rights of the services
version_added: 0.1.0
author: The Trackunit platform maintainers
description:
  - Takes the descriptions of the services and returns the whole topology. Names that services
    share are in C(apps/tu-common/src/tu_common/topology.yml), what a service owns in the
    C(topology.yml) of its own package, and the rules that join them in C(tu_common/wiring.py).
positional: users_extra, shared_extra
options:
  _input:
    description: Descriptions, as lookup C(trackunit.platform.services) returns them.
    type: dict
    required: true
  users_extra:
    description: What users own who are no services of ours, by user, as such a C(topology.yml).
    type: dict
  shared_extra:
    description: Further C(topics), C(exchanges) and C(routing_keys), by section and key.
    type: dict
"""

EXAMPLES = r"""
- name: Show the queues
  ansible.builtin.debug:
    msg: "{{ (platform_service_descriptions | trackunit.platform.topology).queues }}"
"""

RETURN = r"""
_value:
  description: C(topics), C(exchanges), C(queues), C(bindings), C(routing_keys) and C(users).
  type: dict
"""


class FilterModule:
    """The filter of this file, for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"topology": topology}
