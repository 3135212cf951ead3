"""Typed access to the topology: every name that messages travel by."""

import functools
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from tu_common.wiring import wired

_FILE = "topology.yml"


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
    """The names that services share, with what every package beside this one owns.

    In a service's image that is the service itself; where all sources are on the path, all of them.
    """
    shared = yaml.safe_load(
        resources.files("tu_common").joinpath(_FILE).read_text(encoding="utf-8")
    )
    return Topology.model_validate(wired(shared, _owned()))


def _owned() -> dict[str, Any]:
    """The ``topology.yml`` of each package on the path, by the service's name."""
    files = {
        file.parent.name: file
        for folder in reversed(sys.path)
        for file in sorted(Path(folder).glob(f"*/{_FILE}"))
        if file.parent.name != "tu_common"
    }
    return {
        package.replace("_", "-"): yaml.safe_load(file.read_text(encoding="utf-8"))
        for package, file in sorted(files.items())
    }
