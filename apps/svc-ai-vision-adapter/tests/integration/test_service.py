"""The service as it runs, with real Kafka and object storage; the ingestion service is played."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer, Producer

from tests.support.brokers.kafka import Kafka
from tests.support.brokers.s3 import S3
from tu_common import topology

EXAMPLES = Path(__file__).parents[4] / "examples"
NAMES = topology.load()
UPLOADED = NAMES.topic("images_uploaded")
REQUESTED = NAMES.topic("recognition_request")
COMPLETED = NAMES.topic("recognition_completed")


def until(what: str, condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Access:
    """Gives access to pictures as the ingestion service does, unless it is to fail."""

    def __init__(self, s3: S3) -> None:
        self.failures = 0
        access = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                key = json.loads(self.rfile.read(size))["objectKey"]
                if access.failures > 0:
                    access.failures -= 1
                    self.answer(503, {"code": "STORAGE_UNAVAILABLE", "message": "for a moment"})
                    return
                parameters = {"Bucket": s3.bucket, "Key": key}
                url = s3.client().generate_presigned_url("get_object", Params=parameters)
                self.answer(200, {"url": url, "expiresAt": "2030-01-01T00:00:00Z"})

            def answer(self, status: int, body: dict[str, str]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def access(s3: S3) -> Iterator[Access]:
    access = Access(s3)
    yield access
    access.server.shutdown()
    access.server.server_close()


class Service:
    def __init__(self, kafka: Kafka, access: Access) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "svc_ai_vision_adapter"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.environ["PYTHONPATH"],
                "HTTP_PORT": str(self.port),
                "INGESTION_URL": access.url,
                "CONSUMER_GROUP": f"test-{uuid.uuid4()}",
                **kafka.environment(),
            },
        )

    def ready(self) -> bool:
        assert self.process.poll() is None, "the service has ended"
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=5)
        except requests.ConnectionError:
            return False
        return answer.status_code == 200


@pytest.fixture(scope="module")
def service(kafka: Kafka, access: Access) -> Iterator[Service]:
    service = Service(kafka, access)
    until("the service is ready", service.ready)
    yield service
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(60) == 0


class Stage:
    def __init__(self, kafka: Kafka, s3: S3) -> None:
        self._kafka, self._s3 = kafka, s3
        self._producer = Producer({"bootstrap.servers": kafka.bootstrap})

    def store(self, data: bytes) -> str:
        key = f"images/2030/01/02/{uuid.uuid4()}.jpg"
        self._s3.client().put_object(Bucket=self._s3.bucket, Key=key, Body=data)
        return key

    def send(self, topic: str, key: str, body: bytes, correlation_id: str) -> None:
        headers: list[tuple[str, str | bytes | None]] = [("x-correlation-id", correlation_id)]
        self._producer.produce(topic, body, key, headers=headers)
        assert self._producer.flush(20) == 0

    def results(self, topic: str, correlation_id: str, seconds: float = 60) -> Any:
        """The first record of a topic with this correlation id."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._kafka.bootstrap,
                "group.id": f"test-{uuid.uuid4()}",
                "auto.offset.reset": "earliest",
            }
        )
        consumer.subscribe([topic])
        try:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                record = consumer.poll(0.5)
                if record is not None and record.error() is None:
                    headers = dict(record.headers() or [])
                    if headers.get("x-correlation-id") == correlation_id.encode():
                        return record
        finally:
            consumer.close()
        raise AssertionError(f"nothing in {topic} within {seconds} s")


@pytest.fixture(scope="module")
def stage(kafka: Kafka, s3: S3) -> Stage:
    return Stage(kafka, s3)


def uploaded(key: str) -> bytes:
    return json.dumps({"objectKey": key, "contentType": "image/jpeg"}).encode()


@pytest.mark.parametrize("topic", [UPLOADED, REQUESTED])
def test_a_picture_is_recognised(service: Service, stage: Stage, topic: str) -> None:
    correlation_id = str(uuid.uuid4())
    key = stage.store((EXAMPLES / "jcb-3cx.jpg").read_bytes())
    stage.send(topic, key, uploaded(key), correlation_id)
    record = stage.results(COMPLETED, correlation_id)
    body, headers = json.loads(record.value()), dict(record.headers())
    assert record.key() == key.encode()
    assert headers["x-schema"] == b"recognition.completed.v1"
    assert headers["x-producer"] == b"svc-ai-vision-adapter"
    assert body["objectKey"] == key
    assert body["provider"]["name"] == "tesseract"
    assert body["aggregate"]["name"] == "JCB 3CX"
    assert body["aggregate"]["isConfident"] is True


def test_what_is_no_picture_is_parked_and_answered(service: Service, stage: Stage) -> None:
    correlation_id = str(uuid.uuid4())
    key = stage.store(b"\xff\xd8\xff not really")
    stage.send(UPLOADED, key, uploaded(key), correlation_id)
    body = json.loads(stage.results(COMPLETED, correlation_id).value())
    assert (body["success"], body["error"]["code"]) == (False, "picture-undecodable")
    parked = stage.results(NAMES.parked(UPLOADED), correlation_id)
    assert dict(parked.headers())["x-parked-reason"] == b"picture-undecodable"
    assert parked.value() == uploaded(key)


def test_an_event_that_cannot_be_read_is_parked(service: Service, stage: Stage) -> None:
    correlation_id = str(uuid.uuid4())
    stage.send(UPLOADED, "k", b"{", correlation_id)
    parked = stage.results(NAMES.parked(UPLOADED), correlation_id)
    assert dict(parked.headers())["x-parked-reason"] == b"not-json"


def test_a_picture_that_cannot_be_had_now_is_tried_again(
    service: Service, stage: Stage, access: Access
) -> None:
    correlation_id = str(uuid.uuid4())
    key = stage.store((EXAMPLES / "cat-950-gc.jpg").read_bytes())
    access.failures = 2
    stage.send(UPLOADED, key, uploaded(key), correlation_id)
    body = json.loads(stage.results(COMPLETED, correlation_id).value())
    assert body["aggregate"]["name"] == "Caterpillar 950 GC"
    assert access.failures == 0


def test_a_wrong_setting_is_named_and_nothing_starts() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "svc_ai_vision_adapter"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 78
    assert "INGESTION_URL" in ended.stderr
