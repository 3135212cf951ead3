"""The service as it runs, with real object storage and Kafka."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer

from tests.support.brokers.kafka import Kafka
from tests.support.brokers.s3 import S3
from tu_common import topology
from tu_common.settings import S3Settings, load
from tu_ingestion_service.storage import S3Storage

EXAMPLES = Path(__file__).parents[4] / "examples"
JPEG = (EXAMPLES / "jcb-3cx.jpg").read_bytes()
TOPIC = topology.load().topic("images_uploaded")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


class Service:
    def __init__(self, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tu_ingestion_service"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.environ["PYTHONPATH"],
                "HTTP_PORT": str(self.port),
                **environment,
            },
        )

    def status(self, path: str) -> int:
        assert self.process.poll() is None, "the service has ended"
        try:
            return requests.get(self.url + path, timeout=5).status_code
        except requests.ConnectionError:
            return 0

    def post(self, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
        return requests.post(self.url + path, json=body, headers=headers, timeout=30)

    def start(self, content_type: str = "image/jpeg", **headers: str) -> dict[str, str]:
        answer = self.post(
            "/v1/uploads/start", {"filename": "a.jpg", "contentType": content_type}, **headers
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def confirm(self, upload: dict[str, str], data: bytes) -> requests.Response:
        checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return self.post(
            "/v1/uploads/confirm",
            {"uploadId": upload["uploadId"], "bytes": len(data), "checksum": checksum},
        )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(environment: dict[str, str]) -> Iterator[Service]:
    service = Service(environment)
    try:
        until("the service answers", lambda: service.status("/health") == 200)
        yield service
    finally:
        service.process.kill()
        service.process.wait()


@pytest.fixture(scope="module")
def service(s3: S3, kafka: Kafka) -> Iterator[Service]:
    environment = {**s3.environment(), **kafka.environment(), "UPLOAD_MAX_BYTES": "1000000"}
    with running(environment) as service:
        until("the service is ready", lambda: service.status("/health/ready") == 200)
        yield service


def put(url: str, data: bytes, content_type: str = "image/jpeg") -> int:
    headers = {"Content-Type": content_type}
    return requests.put(url, data=data, headers=headers, timeout=30).status_code


def announced(kafka: Kafka, object_key: str, seconds: float = 15) -> list[Any]:
    """Every announcement of this picture that Kafka has."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": f"test-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    consumer.subscribe([TOPIC])
    found: list[Any] = []
    ended: set[int | None] = set()
    deadline = time.monotonic() + seconds
    while len(ended) < 4 and time.monotonic() < deadline:
        record = consumer.poll(0.5)
        if record is None:
            continue
        if record.error():
            ended.add(record.partition())
        elif record.key() == object_key.encode():
            found.append(record)
    consumer.close()
    return found


def test_a_picture_from_start_to_kafka(service: Service, kafka: Kafka, s3: S3) -> None:
    correlation_id = str(uuid.uuid4())
    upload = service.start(**{"X-Correlation-ID": correlation_id})
    assert put(upload["putUrl"], JPEG) == 200
    answer = service.confirm(upload, JPEG)
    assert (answer.status_code, answer.json()) == (202, {"status": "Accepted"})
    assert service.confirm(upload, JPEG).status_code == 202

    (record,) = announced(kafka, upload["key"])
    headers = {name: value.decode() for name, value in record.headers()}
    assert headers["x-correlation-id"] == correlation_id
    assert headers["x-producer"] == "tu-ingestion-service"
    event = json.loads(record.value())
    assert event["objectKey"] == upload["key"]
    assert event["bytes"] == len(JPEG)
    assert event["uploadId"] == upload["uploadId"]
    assert event["occurredAt"]

    record = requests.get(f"{service.url}/v1/uploads/{upload['uploadId']}", timeout=10).json()
    assert (record["status"], record["correlationId"]) == ("confirmed", correlation_id)

    access = service.post("/v1/media/access", {"objectKey": upload["key"]}).json()
    assert requests.get(access["url"], timeout=10).content == JPEG


def test_a_put_url_admits_its_key_and_content_type_and_nothing_else(service: Service) -> None:
    upload = service.start()
    url = upload["putUrl"]
    assert put(url, JPEG, "image/png") == 403
    assert put(url.replace("/images/", "/other/"), JPEG) == 403
    assert requests.get(url, timeout=10).status_code == 403
    assert requests.delete(url, timeout=10).status_code == 403
    assert put(url.partition("?")[0], JPEG) == 403
    assert service.confirm(upload, JPEG).json()["code"] == "NOT_UPLOADED"
    assert put(url, JPEG) == 200


@pytest.mark.parametrize(
    ("stored", "announced_as", "code"),
    [
        (JPEG[:-1000], JPEG, "SIZE_MISMATCH"),
        (JPEG[:-1] + b"x", JPEG, "CHECKSUM_MISMATCH"),
        (b"not a picture", b"not a picture", "CONTENT_MISMATCH"),
        (JPEG[:-1000], JPEG[:-1000], "TRUNCATED"),
        (bytes(1_000_001), bytes(1_000_001), "TOO_LARGE"),
    ],
)
def test_what_is_not_as_announced_is_refused_and_gone(
    service: Service, kafka: Kafka, s3: S3, stored: bytes, announced_as: bytes, code: str
) -> None:
    upload = service.start()
    assert put(upload["putUrl"], stored) == 200
    answer = service.confirm(upload, announced_as)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    listed = s3.client().list_objects_v2(Bucket=s3.bucket, Prefix=upload["key"])
    assert listed["KeyCount"] == 0
    assert announced(kafka, upload["key"]) == []


@pytest.mark.parametrize("name", ["komatsu-pc210lc-11.png", "takeuchi-tb260.webp"])
def test_the_other_types(service: Service, name: str) -> None:
    data, content_type = (EXAMPLES / name).read_bytes(), f"image/{name.rpartition('.')[2]}"
    upload = service.start(content_type)
    assert put(upload["putUrl"], data, content_type) == 200
    assert service.confirm(upload, data).status_code == 202


def test_an_unknown_upload(service: Service) -> None:
    answer = service.confirm({"uploadId": str(uuid.uuid4())}, JPEG)
    assert (answer.status_code, answer.json()["code"]) == (404, "UPLOAD_NOT_FOUND")


def test_without_kafka_nothing_is_confirmed_and_the_service_is_not_ready(s3: S3) -> None:
    environment = {
        **s3.environment(),
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "PUBLISH_TIMEOUT_SECONDS": "2",
    }
    with running(environment) as service:
        assert service.status("/health/ready") == 503
        assert service.status("/health/live") == 200
        upload = service.start()
        assert put(upload["putUrl"], JPEG) == 200
        answer = service.confirm(upload, JPEG)
        assert (answer.status_code, answer.json()["code"]) == (503, "BROKER_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) >= 1
        record = requests.get(f"{service.url}/v1/uploads/{upload['uploadId']}", timeout=10).json()
        assert record["status"] == "started"


def test_sigterm_ends_it_cleanly(s3: S3, kafka: Kafka) -> None:
    with running({**s3.environment(), **kafka.environment()}) as service:
        until("the service is ready", lambda: service.status("/health/ready") == 200)
        assert service.stop() == 0


def test_a_wrong_setting_is_named_and_nothing_starts() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tu_ingestion_service"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "S3_ENDPOINT": "nonsense",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 78
    assert "KAFKA_BOOTSTRAP_SERVERS" in ended.stderr


def test_the_storage_lists_what_is_older_than_a_moment(s3: S3) -> None:
    storage = S3Storage(load(S3Settings, s3.environment()))
    keys = {f"older/{uuid.uuid4()}" for _ in range(3)}
    for key in keys:
        storage.write(key, b"", "text/plain")
    now = datetime.now(UTC)
    assert set(storage.older("older/", now + timedelta(minutes=5))) == keys
    assert storage.older("older/", now - timedelta(minutes=5)) == []
    for key in keys:
        storage.delete(key)
    assert storage.older("older/", now + timedelta(minutes=5)) == []
