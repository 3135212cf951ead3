"""Makes RabbitMQ's definitions of the topology that the services share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.rabbitmq import (
    rabbitmq_definitions,
)

DOCUMENTATION = r"""
name: rabbitmq_definitions
short_description: RabbitMQ's definitions from the topology and the users' passwords
version_added: 0.1.0
author: The Trackunit platform maintainers (@trackunit)
description:
  - Takes the topology that the services share and returns what RabbitMQ imports when it starts.
  - Each service's user may write to and read from what the topology names for it, and declare
    nothing. Hashes of passwords are salted from a secret, so that the same input gives the same
    definitions each time; everything is sorted, so that the order of the services changes nothing.
positional: passwords, salt
options:
  _input:
    description: The topology, as lookup C(trackunit.platform.topology) returns it.
    type: dict
    required: true
  passwords:
    description: Password by name of user, one for each user of the topology and the administrator.
    type: dict
    required: true
  salt:
    description: A secret from which the salt of each user is derived.
    type: str
    required: true
  administrator:
    description: Name of the user who may do everything.
    type: str
    default: admin
"""

EXAMPLES = r"""
- name: Show what RabbitMQ would import
  ansible.builtin.debug:
    msg: "{{ topology | trackunit.platform.rabbitmq_definitions(passwords, salt) }}"
"""

RETURN = r"""
_value:
  description: The definitions.
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"rabbitmq_definitions": rabbitmq_definitions}
