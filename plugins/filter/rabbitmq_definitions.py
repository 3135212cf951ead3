"""Makes RabbitMQ's definitions of the topology that the services share."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: rabbitmq_definitions
short_description: RabbitMQ's definitions from the topology and the users' passwords
version_added: 0.1.0
author: The Trackunit platform maintainers
description:
  - Takes the topology that the services share and returns what RabbitMQ imports when it starts.
  - Each service's user may write to and read from what the topology names for it, and declare
    nothing. Hashes of passwords are salted from a secret, so that the same input gives the same
    definitions each time.
positional: passwords, salt
options:
  _input:
    description: The topology, as in C(topology.yml).
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


def password_hash(password: str, salt: bytes) -> str:
    """RabbitMQ's form of a salted SHA-256: base64 of the salt (4 bytes) and the digest."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _pattern(names: Iterable[str]) -> str:
    """A regular expression that matches these names and nothing else."""
    special = re.compile(r"([.\\+*?^$()\[\]{}|])")
    quoted = [special.sub(r"\\\1", name) for name in names]
    return f"^({'|'.join(quoted)})$" if quoted else "^$"


def rabbitmq_definitions(
    topology: Mapping[str, Any],
    passwords: Mapping[str, str],
    salt: str,
    administrator: str = "admin",
) -> dict[str, Any]:
    """What RabbitMQ imports: users with permissions, exchanges, queues and bindings."""
    vhost = topology["vhost"]
    services: Mapping[str, Mapping[str, list[str]]] = topology["users"]
    missing = sorted({administrator, *services} - {name for name in passwords if passwords[name]})
    if missing:
        raise AnsibleFilterError(f"rabbitmq_definitions: no password for {', '.join(missing)}")

    def user(name: str) -> dict[str, Any]:
        own_salt = hmac.new(salt.encode(), name.encode(), hashlib.sha256).digest()[:4]
        return {
            "name": name,
            "password_hash": password_hash(passwords[name], own_salt),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ["administrator"] if name == administrator else [],
            "limits": {},
        }

    def permission(name: str, configure: str, write: str, read: str) -> dict[str, str]:
        return {
            "user": name,
            "vhost": vhost,
            "configure": configure,
            "write": write,
            "read": read,
        }

    return {
        "vhosts": [{"name": vhost}],
        "users": [user(name) for name in (administrator, *services)],
        "permissions": [
            permission(administrator, ".*", ".*", ".*"),
            *(
                permission(name, "^$", _pattern(may["write"]), _pattern(may["read"]))
                for name, may in services.items()
            ),
        ],
        "exchanges": [
            {
                "name": exchange["name"],
                "vhost": vhost,
                "type": exchange["type"],
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for exchange in topology["exchanges"].values()
        ],
        "queues": [
            {
                "name": queue["name"],
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": queue.get("arguments", {}),
            }
            for queue in topology["queues"].values()
        ],
        "bindings": [
            {
                "source": binding["exchange"],
                "vhost": vhost,
                "destination": binding["queue"],
                "destination_type": "queue",
                "routing_key": binding["routing_key"],
                "arguments": {},
            }
            for binding in topology["bindings"]
        ],
    }


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"rabbitmq_definitions": rabbitmq_definitions}
