"""RabbitMQ's definitions of a topology. No Ansible in here: the apps' tests use it too."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

_name = itemgetter("name")
_ends = itemgetter("exchange", "queue", "routing_key")


class DefinitionsError(ValueError):
    """Something that the definitions need is missing; the text names it."""


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
    services: Mapping[str, Mapping[str, Iterable[str]]] = dict(sorted(topology["users"].items()))
    missing = sorted({administrator, *services} - {name for name in passwords if passwords[name]})
    if missing:
        raise DefinitionsError(f"rabbitmq_definitions: no password for {', '.join(missing)}")

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
            for exchange in sorted(topology["exchanges"].values(), key=_name)
        ],
        "queues": [
            {
                "name": queue["name"],
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": queue.get("arguments", {}),
            }
            for queue in sorted(topology["queues"].values(), key=_name)
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
            for binding in sorted(topology["bindings"], key=_ends)
        ],
    }
