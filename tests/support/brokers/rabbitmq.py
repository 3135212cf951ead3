"""RabbitMQ with the platform's topology."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from ansible_collections.trackunit.platform.plugins.plugin_utils.rabbitmq import (
    rabbitmq_definitions,
)

from tests.support.containers import Container, container, free_port, readable


@dataclass(frozen=True)
class Rabbitmq:
    """RabbitMQ with the platform's topology; ``passwords`` holds one per service user."""

    host: str
    port: int
    user: str
    password: str
    passwords: dict[str, str]
    container: Container

    def environment(self, user: str | None = None) -> dict[str, str]:
        """The settings of a service that signs in as ``user`` (without: as administrator)."""
        return {
            "RABBITMQ_HOST": self.host,
            "RABBITMQ_PORT": str(self.port),
            "RABBITMQ_USER": user or self.user,
            "RABBITMQ_PASSWORD": self.passwords[user or self.user],
        }

    def ctl(self, *arguments: str) -> str:
        return self.container.exec("rabbitmqctl", "--quiet", *arguments)

    def close_connections(self) -> None:
        """Cut every client off, as a broker's restart does, without the wait for it."""
        self.ctl("close_all_connections", "closed by a test")

    def purge(self) -> None:
        """Empty every queue; a stream cannot be emptied and keeps what it has."""
        for line in self.ctl("list_queues", "name", "type", "--no-table-headers").splitlines():
            name, kind = line.split()
            if not kind.endswith("stream"):
                self.ctl("purge_queue", name)


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbitmq]:
    import pika

    from tu_common import topology

    names = topology.load()
    passwords = {user: secrets.token_urlsafe(16) for user in ("admin", *names.users)}
    folder = tmp_path_factory.mktemp("rabbitmq")
    # Files keep their mode when they are mounted into the container; the broker is another user.
    definitions = readable(
        folder / "defs.json",
        json.dumps(rabbitmq_definitions(names.model_dump(), passwords, secrets.token_hex(4))),
    )
    settings = readable(
        folder / "rabbitmq.conf",
        # As charts/rabbitmq does it: imported again after a restart, a binding to the stream would
        # be refused while the stream is not back yet.
        "definitions.import_backend = local_filesystem\n"
        "definitions.local.path = /etc/rabbitmq-definitions/defs.json\n"
        "definitions.skip_if_unchanged = true\n"
        "log.console = true\n"
        "log.file = false\n"
        # Tests run where memory and disk are short; the defaults would block publishers.
        "disk_free_limit.absolute = 200MB\n",
    )
    plugins = readable(folder / "enabled_plugins", "[rabbitmq_prometheus].\n")
    port = free_port()
    with container(
        "rabbitmq",
        ports={5672: port},
        files={
            "/etc/rabbitmq-definitions/defs.json": definitions,
            "/etc/rabbitmq/rabbitmq.conf": settings,
            "/etc/rabbitmq/enabled_plugins": plugins,
        },
    ) as broker:
        admin = pika.ConnectionParameters(
            "127.0.0.1", port, credentials=pika.PlainCredentials("admin", passwords["admin"])
        )

        def topology_is_there() -> None:
            connection = pika.BlockingConnection(admin)
            channel = connection.channel()
            for queue in names.queues.values():
                channel.queue_declare(queue.name, passive=True)
            connection.close()

        broker.wait("RabbitMQ answers and has the queues", topology_is_there)
        yield Rabbitmq("127.0.0.1", port, "admin", passwords["admin"], passwords, broker)
