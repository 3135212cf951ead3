"""Gateways as processes, with a real RabbitMQ and a real issuer; ingestion is a stand-in."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tu_common.messages import AnalysisCommand, AnalysisStarted
from tu_common.messaging import Effect, Message
from tu_common.messaging.rabbit import RabbitPublisher
from tu_common.settings import RabbitSettings, load

START = """mutation { startUpload(filename: "a.jpg", contentType: "image/jpeg") {
  correlationId imageUploadPayload { uploadId key } } }"""
REQUEST = "mutation ($key: String!) { requestAnalysis(objectKey: $key) { correlationId } }"
LIVE = "subscription { onAnalysisStarted { objectKey correlationId } }"
ONE = """subscription ($id: String) {
  onAnalysisStarted(correlationId: $id) { objectKey correlationId } }"""


@dataclass
class Ingestion:
    uploads: dict[str, dict[str, str]] = field(default_factory=dict)
    url: str = ""


@pytest.fixture(scope="module")
def ingestion() -> Iterator[Ingestion]:
    state = Ingestion()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            id = str(uuid.uuid4())
            state.uploads[id] = {
                "uploadId": id,
                "key": f"images/2026/11/21/{id}.jpg",
                "correlationId": self.headers["X-Correlation-ID"],
                "putUrl": "https://storage.test/",
                "expiresAt": "2026-11-21T00:05:00Z",
            }
            self._answer(200, state.uploads[id])

        def do_GET(self) -> None:
            found = state.uploads.get(self.path.rpartition("/")[2])
            self._answer(200 if found else 404, found or {})

        def _answer(self, status: int, body: dict[str, str]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()


@dataclass
class Replica:
    port: int
    process: "subprocess.Popen[bytes]"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ready(self) -> bool:
        try:
            return requests.get(self.url("/health/ready"), timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def post(
        self, token: str, query: str, variables: dict[str, Any] | None = None
    ) -> requests.Response:
        return requests.post(
            self.url("/graphql"),
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )


def until(check: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.1)


Launch = Callable[[], Replica]


@pytest.fixture(scope="module")
def launch(
    rabbitmq: Any, keycloak: Any, ingestion: Ingestion, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Launch]:
    running: list[Replica] = []
    logs: list[Path] = []

    def start() -> Replica:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = tmp_path_factory.mktemp("gateway") / "log"
        logs.append(log)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "graph_gateway"],
                env={
                    **os.environ,
                    **rabbitmq.environment("graph-gateway"),
                    **keycloak.environment(),
                    "HTTP_PORT": str(port),
                    "INGESTION_URL": ingestion.url,
                    "CORRELATION_KEY": "k" * 32,
                },
                stdout=output,
                stderr=output,
            )
        replica = Replica(port, process)
        running.append(replica)
        until(replica.ready, f"the gateway is ready: {log.read_text()[-3000:]}")
        return replica

    yield start
    for replica in running:
        replica.process.terminate()
    for replica, log in zip(running, logs, strict=True):
        assert replica.process.wait(20) == 0, log.read_text()[-3000:]


@pytest.fixture(scope="module")
def replicas(launch: Launch) -> list[Replica]:
    return [launch(), launch()]


@pytest.fixture(scope="module")
def orchestrator(rabbitmq: Any) -> Iterator[RabbitPublisher]:
    settings = load(RabbitSettings, rabbitmq.environment("svc-analysis-orchestrator"))
    publisher = RabbitPublisher(settings, client_id="tests")
    yield publisher
    publisher.close()


def announce(orchestrator: RabbitPublisher, upload: dict[str, Any]) -> None:
    key, correlation_id = upload["imageUploadPayload"]["key"], upload["correlationId"]
    message = Message(
        AnalysisStarted(object_key=key, correlation_id=correlation_id).to_bytes(),
        message_id=f"test-{uuid.uuid4()}",
        correlation_id=correlation_id,
    )
    orchestrator.publish(Effect("analysis.started", message))


def upload_by(replica: Replica, token: str) -> dict[str, Any]:
    upload: dict[str, Any] = replica.post(token, START).json()["data"]["startUpload"]
    return upload


def test_every_replica_tells_the_owner_and_nobody_else(
    replicas: list[Replica], keycloak: Any, orchestrator: RabbitPublisher, dial: Any
) -> None:
    alice, bob = keycloak.token("alice"), keycloak.token("bob")
    clients = [dial(replica.port, f"Bearer {alice}").init() for replica in replicas]
    stranger = dial(replicas[0].port, f"Bearer {bob}").init()
    for client in (*clients, stranger):
        client.subscribe("1", LIVE)
        client.settle()
    upload = upload_by(replicas[0], alice)
    announce(orchestrator, upload)
    wanted = {
        "objectKey": upload["imageUploadPayload"]["key"],
        "correlationId": upload["correlationId"],
    }
    for client in clients:
        assert client.receive()["payload"]["data"] == {"onAnalysisStarted": wanted}
    stranger.settle()


def test_a_fresh_replica_knows_what_happened_before_it_came(
    replicas: list[Replica],
    launch: Launch,
    keycloak: Any,
    orchestrator: RabbitPublisher,
    dial: Any,
) -> None:
    alice = keycloak.token("alice")
    upload = upload_by(replicas[0], alice)
    announce(orchestrator, upload)
    fresh = launch()
    client = dial(fresh.port, f"Bearer {alice}").init()
    client.subscribe("1", ONE, {"id": upload["correlationId"]})
    answer = client.receive()["payload"]["data"]["onAnalysisStarted"]
    assert answer["correlationId"] == upload["correlationId"]


def test_request_analysis_reaches_the_orchestrators_queue(
    replicas: list[Replica], keycloak: Any, rabbitmq: Any
) -> None:
    import pika

    alice = keycloak.token("alice")
    upload = upload_by(replicas[0], alice)
    key = upload["imageUploadPayload"]["key"]
    answer = replicas[1].post(alice, REQUEST, {"key": key}).json()
    assert answer["data"]["requestAnalysis"]["correlationId"] == upload["correlationId"]
    connection = pika.BlockingConnection(
        pika.ConnectionParameters(
            rabbitmq.host,
            rabbitmq.port,
            credentials=pika.PlainCredentials(rabbitmq.user, rabbitmq.password),
        )
    )
    channel = connection.channel()
    while True:
        method, properties, body = channel.basic_get(
            "orchestrator.analysis.commands", auto_ack=True
        )
        assert method and properties and body
        if AnalysisCommand.read(body).object_key == key:
            break
    assert properties.correlation_id == upload["correlationId"]
    assert properties.delivery_mode == 2
    connection.close()


def test_tokens_of_a_real_issuer(replicas: list[Replica], keycloak: Any, dial: Any) -> None:
    gateway = replicas[0]
    assert gateway.post(keycloak.token(), "{ ping }").json() == {"data": {"ping": "pong"}}
    without = keycloak.token(client="tests-without-scope")
    assert gateway.post(without, "{ ping }").status_code == 200
    assert gateway.post(without, START).status_code == 403
    other = keycloak.token(client="tests-other-audience")
    assert gateway.post(other, "{ ping }").status_code == 401
    # A token that is wrong is told at once, one that does not reach far enough when it is used.
    assert dial(gateway.port, f"Bearer {other}").closes_with() == 4401
    client = dial(gateway.port, f"Bearer {without}")
    client.send(type="connection_init")
    assert client.closes_with() == 4403


def test_subscribers_outlive_a_broker_that_cuts_everyone_off(
    replicas: list[Replica],
    keycloak: Any,
    orchestrator: RabbitPublisher,
    rabbitmq: Any,
    dial: Any,
) -> None:
    alice = keycloak.token("alice")
    client = dial(replicas[0].port, f"Bearer {alice}").init()
    client.subscribe("1", LIVE)
    client.settle()
    upload = upload_by(replicas[0], alice)
    rabbitmq.close_connections()
    announce(orchestrator, upload)
    answer = client.receive(timeout=60)["payload"]["data"]["onAnalysisStarted"]
    assert answer["correlationId"] == upload["correlationId"]
    until(lambda: all(replica.ready() for replica in replicas), "ready again")
