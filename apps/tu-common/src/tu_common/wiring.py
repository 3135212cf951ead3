"""Puts the topology together: the names that all share, and what each service owns.

Nothing but the standard library: the platform reads this file too, when it makes RabbitMQ's
definitions and Kafka's topics. A service says in its own ``topology.yml``::

    writes: [image_uploaded]              # exchanges it publishes to, by their keys
    returns: bridge.returns               # the way into its parking queues and back out of them
    queues:
      bridge_analysis_requests:
        name: bridge.analysis-requests
        bindings:
          - {exchange: analysis_requests, routing_key: recognition_request}

A queue without ``arguments`` is one that the service consumes: replicated, with a parking queue.
"""

from collections.abc import Mapping
from typing import Any

# A quorum queue gives a message up after 20 deliveries (a reader that dies of it each time); the
# dead-letter arguments make sure that it is parked then, not lost.
_CONSUMED = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
# Looking at a parked message, or putting it back half way, never loses it.
_PARKED = {"x-queue-type": "quorum", "x-delivery-limit": -1}
_SECTIONS = ("topics", "exchanges", "queues", "routing_keys")
_KEYS = {"writes", "returns", "queues", "topics", "exchanges", "routing_keys"}
_QUEUE_KEYS = {"name", "arguments", "bindings"}


class WiringError(ValueError):
    """A topology.yml contradicts itself or the others; the text says which and where."""


def wired(
    shared: Mapping[str, Any], owned: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Any]:
    """The whole topology. ``owned`` has what each service's ``topology.yml`` says, by its user."""
    whole: dict[str, Any] = {
        **shared,
        **{section: dict(shared.get(section) or {}) for section in _SECTIONS},
        "bindings": [],
        "users": {},
    }
    for user, own in owned.items():
        _refuse_others(user, own or {}, _KEYS)
        for section in ("topics", "exchanges", "routing_keys"):
            for key, value in ((own or {}).get(section) or {}).items():
                _put(user, whole[section], key, value)
    for user, own in owned.items():
        _Owner(whole, user, own or {}).add()
    return whole


class _Owner:
    """What one service adds to the topology."""

    def __init__(self, whole: dict[str, Any], user: str, own: Mapping[str, Any]) -> None:
        self._whole = whole
        self._user = user
        self._own = own
        self._returns = str(own.get("returns") or "")
        self._write: list[str] = [
            self._named("exchanges", key)["name"] for key in own.get("writes") or []
        ]
        self._read: list[str] = []

    def add(self) -> None:
        if self._returns:
            key = self._returns.replace(".", "_").replace("-", "_")
            exchange = {"name": self._returns, "type": "direct"}
            _put(self._user, self._whole["exchanges"], key, exchange)
            self._write.append(self._returns)
        for key, queue in (self._own.get("queues") or {}).items():
            _refuse_others(f"{self._user}: queue {key}", queue, _QUEUE_KEYS)
            if "arguments" in queue:
                self._queue(key, queue["name"], queue["arguments"])
            else:
                self._consumed(key, queue["name"])
            for binding in queue.get("bindings") or []:
                exchange = self._named("exchanges", binding["exchange"])["name"]
                routing_key = binding.get("routing_key")
                self._bind(
                    exchange,
                    queue["name"],
                    self._named("routing_keys", routing_key) if routing_key else "",
                )
        self._whole["users"][self._user] = {"write": self._write, "read": self._read}

    def _consumed(self, key: str, name: str) -> None:
        """A queue with its parking queue, and the ways between them."""
        if not self._returns:
            raise WiringError(
                f"{self._user}: queue {key} needs a way back from its parking queue: "
                "returns: <service>.returns"
            )
        parked = name + self._whole["parking_suffix"]
        letters = {
            "x-dead-letter-exchange": self._returns,
            "x-dead-letter-routing-key": parked,
        }
        self._queue(key, name, {**_CONSUMED, **letters}, returns=self._returns)
        suffix = self._whole["parking_suffix"].replace(".", "_").replace("-", "_")
        self._queue(key + suffix, parked, _PARKED)
        for queue in (name, parked):
            self._bind(self._returns, queue, queue)

    def _queue(self, key: str, name: str, arguments: Mapping[str, Any], **more: str) -> None:
        _put(
            self._user,
            self._whole["queues"],
            key,
            {"name": name, "arguments": dict(arguments), **more},
        )
        self._read.append(name)

    def _bind(self, exchange: str, queue: str, routing_key: str) -> None:
        self._whole["bindings"].append(
            {"exchange": exchange, "queue": queue, "routing_key": routing_key}
        )

    def _named(self, section: str, key: str) -> Any:
        if key not in self._whole[section]:
            raise WiringError(
                f"{self._user}: {section} has no {key}; "
                f"there are {', '.join(sorted(self._whole[section]))}"
            )
        return self._whole[section][key]


def _put(user: str, section: dict[str, Any], key: str, value: Any) -> None:
    name = value["name"] if isinstance(value, Mapping) else value
    for other, there in section.items():
        if other == key or (isinstance(there, Mapping) and there["name"] == name):
            raise WiringError(f"{user}: {key} ({name}) is there already, as {other}")
    section[key] = value


def _refuse_others(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    if others := sorted(set(given) - known):
        raise WiringError(
            f"{where} has {', '.join(others)}, and it takes {', '.join(sorted(known))}"
        )
