"""Kafka with the platform's topics."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.containers import Container, container, free_port, readable


@dataclass(frozen=True)
class Kafka:
    """Kafka with the platform's topics."""

    bootstrap: str
    container: Container

    def environment(self) -> dict[str, str]:
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap}


KAFKA_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://localhost:9093
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=/var/lib/kafka/data
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""
KAFKA_START = """
settings=/etc/kafka/platform/server.properties
if [ ! -f /var/lib/kafka/data/meta.properties ]; then
  /opt/kafka/bin/kafka-storage.sh format --cluster-id dHJhY2t1bml0LXRlc3RzMQ --config "$settings"
fi
exec /opt/kafka/bin/kafka-server-start.sh "$settings"
"""


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    from tu_common import topology

    port = free_port()
    folder = tmp_path_factory.mktemp("kafka")
    settings = readable(folder / "server.properties", KAFKA_SETTINGS.format(port=port))
    with container(
        "kafka",
        ports={9092: port},
        environment={"KAFKA_HEAP_OPTS": "-Xmx256m", "LOG_DIR": "/tmp"},
        files={"/etc/kafka/platform/server.properties": settings},
        entry="sh",
        command=["-ec", KAFKA_START],
    ) as broker:
        bootstrap = f"127.0.0.1:{port}"
        # The client logs each refused connection while the broker starts.
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        broker.wait("Kafka answers", lambda: admin.list_topics(timeout=5))
        wanted = [
            NewTopic(topic.name, topic.partitions, 1, config=topic.config)
            for topic in topology.load().topics.values()
        ]
        for made in admin.create_topics(wanted, operation_timeout=60).values():
            made.result(timeout=60)
        yield Kafka(bootstrap, broker)
