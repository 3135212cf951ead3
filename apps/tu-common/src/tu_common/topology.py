"""Typed access to ``topology.yml``, and what the brokers are told from it."""

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Topic(_Plain):
    name: str
    partitions: int
    config: dict[str, str] = {}


class Exchange(_Plain):
    name: str
    type: str


class Queue(_Plain):
    name: str
    arguments: dict[str, str | int] = {}
    returns: str = ""
    """The exchange that leads into this queue's parking queue and back. Empty: never parked."""


class Binding(_Plain):
    exchange: str
    queue: str
    routing_key: str


class User(_Plain):
    write: tuple[str, ...]
    read: tuple[str, ...]


class Topology(_Plain):
    vhost: str
    parking_suffix: str
    topics: dict[str, Topic]
    exchanges: dict[str, Exchange]
    queues: dict[str, Queue]
    bindings: tuple[Binding, ...]
    routing_keys: dict[str, str]
    users: dict[str, User]

    def topic(self, key: str) -> str:
        return self.topics[key].name

    def exchange(self, key: str) -> str:
        return self.exchanges[key].name

    def queue(self, key: str) -> str:
        return self.queues[key].name

    def parked(self, name: str) -> str:
        """The parking queue or topic of the queue or topic called ``name``."""
        return name + self.parking_suffix

    def returns_exchange(self, queue_name: str) -> str:
        for queue in self.queues.values():
            if queue.name == queue_name and queue.returns:
                return queue.returns
        raise KeyError(f"queue {queue_name!r} has no parking queue")


@functools.cache
def load() -> Topology:
    text = resources.files("tu_common").joinpath("topology.yml").read_text(encoding="utf-8")
    return Topology.model_validate(yaml.safe_load(text))


def definitions(topology: Topology, passwords: Mapping[str, str]) -> dict[str, Any]:
    """RabbitMQ's definitions: ``passwords`` maps user name to password.

    A user that ``topology`` does not know becomes an administrator.
    """
    vhost = topology.vhost
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {
                "name": name,
                "password_hash": password_hash(name, password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [] if name in topology.users else ["administrator"],
            }
            for name, password in passwords.items()
        ],
        "permissions": [
            {"user": name, "vhost": vhost, **_permissions(topology, name)} for name in passwords
        ],
        "exchanges": [
            {
                "name": exchange.name,
                "vhost": vhost,
                "type": exchange.type,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for exchange in topology.exchanges.values()
        ],
        "queues": [
            {
                "name": queue.name,
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": dict(queue.arguments),
            }
            for queue in topology.queues.values()
        ],
        "bindings": [
            {
                "source": binding.exchange,
                "vhost": vhost,
                "destination": binding.queue,
                "destination_type": "queue",
                "routing_key": binding.routing_key,
                "arguments": {},
            }
            for binding in topology.bindings
        ],
    }


def password_hash(name: str, password: str) -> str:
    """RabbitMQ's salted hash, the same for the same user and password.

    The salt is derived, not random, so that definitions made twice from the same secrets are equal
    and an unchanged platform shows no change.
    """
    salt = hashlib.sha256(f"{name}\0{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _permissions(topology: Topology, name: str) -> dict[str, str]:
    user = topology.users.get(name)
    if user is None:
        return {"configure": ".*", "write": ".*", "read": ".*"}
    return {"configure": "^$", "write": _any_of(user.write), "read": _any_of(user.read)}


def _any_of(names: tuple[str, ...]) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"
