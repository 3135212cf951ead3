"""Fixtures for integration tests: RabbitMQ, Kafka, S3 and Keycloak from the supply images.

They are set up as the charts do it, by what the public images and those made here both have.
Each starts when first asked for, lives for the session, listens on 127.0.0.1 at a free port, and
is shared: a test uses names of its own (object keys, consumer groups, subjects), or cleans up.
When a test fails, what the containers logged meanwhile is part of its report.
"""

import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.trackunit.platform.plugins.plugin_utils.rabbitmq import (
    rabbitmq_definitions,
)

from tests.support.containers import Container, container, free_port, running

REALM = Path(__file__).with_name("realm.json")


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


@dataclass(frozen=True)
class Kafka:
    """Kafka with the platform's topics."""

    bootstrap: str
    container: Container

    def environment(self) -> dict[str, str]:
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap}


@dataclass(frozen=True)
class S3:
    """An S3 server with an empty bucket."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    region: str
    container: Container

    def client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    def environment(self) -> dict[str, str]:
        return {
            "S3_ENDPOINT": self.endpoint,
            "S3_PUBLIC_ENDPOINT": self.endpoint,
            "S3_BUCKET": self.bucket,
            "S3_REGION": self.region,
            "S3_ACCESS_KEY": self.access_key,
            "S3_SECRET_KEY": self.secret_key,
        }


@dataclass(frozen=True)
class Keycloak:
    """Keycloak with a realm whose tokens look like the platform's.

    Users: alice, bob. Clients (each gives tokens for the password grant): ``tests`` as it should
    be, ``tests-without-scope``, ``tests-other-audience``, ``tests-short-lived`` (expired after a
    second). ``tests-device`` is for the device code grant alone.
    """

    issuer: str
    audience: str
    scope: str
    password: str
    container: Container

    def token(self, user: str = "alice", client: str = "tests") -> str:
        form = {
            "grant_type": "password",
            "client_id": client,
            "username": user,
            "password": self.password,
            "scope": "openid",
        }
        request = urllib.request.Request(
            f"{self.issuer}/protocol/openid-connect/token",
            data=urllib.parse.urlencode(form).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return str(json.load(answer)["access_token"])
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"no token for {user} by {client}: {error.read()!r}") from error

    def environment(self) -> dict[str, str]:
        return {
            "OIDC_ISSUER": self.issuer,
            "OIDC_AUDIENCE": self.audience,
            "OIDC_SCOPE": self.scope,
        }


def _readable(file: Path, content: str) -> Path:
    """Write a file that another user can read in a container."""
    file.write_text(content, encoding="utf-8")
    file.chmod(0o644)
    return file


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbitmq]:
    import pika

    from tu_common import topology

    names = topology.load()
    passwords = {user: secrets.token_urlsafe(16) for user in ("admin", *names.users)}
    folder = tmp_path_factory.mktemp("rabbitmq")
    # Files keep their mode when they are mounted into the container; the broker is another user.
    definitions = _readable(
        folder / "defs.json",
        json.dumps(rabbitmq_definitions(names.model_dump(), passwords, secrets.token_hex(4))),
    )
    settings = _readable(
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
    plugins = _readable(folder / "enabled_plugins", "[rabbitmq_prometheus].\n")
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
    settings = _readable(folder / "server.properties", KAFKA_SETTINGS.format(port=port))
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


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    port = free_port()
    access_key, secret_key = "tests", secrets.token_urlsafe(24)
    with container(
        "object-storage",
        ports={7070: port},
        environment={
            "VGW_BACKEND": "posix",
            "VGW_BACKEND_ARGS": "/mnt/data",
            "VGW_PORT": ":7070",
            "ROOT_ACCESS_KEY_ID": access_key,
            "ROOT_SECRET_ACCESS_KEY": secret_key,
        },
    ) as server:
        found = S3(
            f"http://127.0.0.1:{port}", access_key, secret_key, "tu-images", "us-east-1", server
        )
        client = found.client()
        server.wait("the S3 server answers", client.list_buckets)
        client.create_bucket(Bucket=found.bucket)
        yield found


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    password = secrets.token_urlsafe(16)
    realm = _readable(
        tmp_path_factory.mktemp("keycloak") / "realm.json",
        REALM.read_text(encoding="utf-8").replace("${PASSWORD}", password),
    )
    port = free_port()
    with container(
        "keycloak",
        ports={8080: port},
        # With the options that our image was built with it is not augmented once more; another is.
        environment={
            "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx384m",
            "KC_CACHE": "local",
            "KC_DB": "dev-file",
            "KC_HEALTH_ENABLED": "true",
            "KC_HTTP_RELATIVE_PATH": "/",
            "KC_METRICS_ENABLED": "true",
        },
        files={"/opt/keycloak/data/import/realm.json": realm},
        command=["start", "--import-realm", "--http-enabled=true", "--hostname-strict=false"],
    ) as server:
        issuer = f"http://127.0.0.1:{port}/realms/trackunit"
        found = Keycloak(issuer, "api://trackunit", "access_as_user", password, server)
        server.wait("Keycloak gives tokens", found.token)
        yield found


_started: pytest.StashKey[float] = pytest.StashKey()


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_started] = time.time()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test's report what the containers logged since it began."""
    report = yield
    if report.failed:
        for broker in running():
            logged = broker.logs(tail=60, since=item.stash.get(_started, None))
            if logged.strip():
                report.sections.append((f"log of {broker.name}", logged))
    return report
