import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tu_common import topology
from tu_common.health import Health
from tu_common.messages import ImageUploaded
from tu_common.messaging.memory import MemoryBroker
from tu_ingestion_service.api import create_app
from tu_ingestion_service.errors import Code, UnavailableError
from tu_ingestion_service.ingestion import Ingestion, Limits
from tu_ingestion_service.storage import ObjectInfo

JPEG = b"\xff\xd8\xff\xda\x00\x02" + bytes(200) + b"\xff\xd9"
TOPIC = topology.load().topic("images_uploaded")
UPLOADED_AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class MemoryStorage:
    objects: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, datetime] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    down: bool = False

    def put_url(self, key: str, content_type: str, seconds: int) -> str:
        return f"https://storage.example/{key}?type={content_type}&for={seconds}"

    def get_url(self, key: str, seconds: int) -> str:
        return f"http://inside/{key}?for={seconds}"

    def head(self, key: str) -> ObjectInfo | None:
        data = self.read(key, 1 << 30)
        return None if data is None else ObjectInfo(len(data), UPLOADED_AT)

    def read(self, key: str, limit: int) -> bytes | None:
        if self.down:
            raise UnavailableError(Code.STORAGE_UNAVAILABLE, "down")
        data = self.objects.get(key)
        return None if data is None else data[:limit]

    def write(self, key: str, data: bytes, content_type: str) -> None:
        if self.down:
            raise UnavailableError(Code.STORAGE_UNAVAILABLE, "down")
        self.objects[key] = data
        self.written[key] = self.now()

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def older(self, prefix: str, moment: datetime) -> list[str]:
        return [k for k in self.objects if k.startswith(prefix) and self.written[k] < moment]

    def ready(self) -> bool:
        return not self.down


def away(*_: object) -> None:
    raise UnavailableError(Code.STORAGE_UNAVAILABLE, "down")


@dataclass
class Clock:
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Stage:
    """The service with everything around it in memory."""

    client: Any
    storage: MemoryStorage
    broker: MemoryBroker
    ingestion: Ingestion
    clock: Clock

    def start(self, content_type: str = "image/jpeg", **headers: str) -> dict[str, Any]:
        answer = self.client.post(
            "/v1/uploads/start",
            json={"filename": "machine.jpg", "contentType": content_type},
            headers=headers,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def confirm(self, upload_id: str, data: bytes, **changes: Any) -> Any:
        body = {
            "uploadId": upload_id,
            "bytes": len(data),
            "checksum": f"sha256:{hashlib.sha256(data).hexdigest()}",
            **changes,
        }
        return self.client.post("/v1/uploads/confirm", json=body)

    @property
    def announced(self) -> list[Any]:
        return self.broker.pending(TOPIC)


@pytest.fixture
def stage() -> Stage:
    clock = Clock()
    storage, broker = MemoryStorage(now=clock.now), MemoryBroker()
    limits = Limits(1000, 300, 60, 1.0, unconfirmed_seconds=86400)
    ingestion = Ingestion(storage, broker.producer(), topic=TOPIC, limits=limits, now=clock.now)
    app = create_app(ingestion, Health(ready={"storage": storage.ready}))
    return Stage(app.test_client(), storage, broker, ingestion, clock)


def test_an_upload_from_start_to_announcement(stage: Stage) -> None:
    upload = stage.start(**{"X-Correlation-ID": "abc-1"})
    assert re.fullmatch(r"images/\d{4}/\d{2}/\d{2}/[0-9a-f-]{36}\.jpg", upload["key"])
    assert upload["uploadId"] in upload["key"]
    assert upload["expiresAt"].endswith("Z")
    stage.storage.objects[upload["key"]] = JPEG

    answer = stage.confirm(upload["uploadId"], JPEG)

    assert (answer.status_code, answer.json) == (202, {"status": "Accepted"})
    (message,) = stage.announced
    event = ImageUploaded.read(message.body)
    assert (event.object_key, event.size, event.content_type) == (upload["key"], 208, "image/jpeg")
    assert event.occurred_at == UPLOADED_AT
    assert message.key == upload["key"]
    assert message.correlation_id == "abc-1"
    assert message.headers["x-schema"] == "images.uploaded.v1"
    assert message.headers["x-producer"] == "tu-ingestion-service"
    record = stage.client.get(f"/v1/uploads/{upload['uploadId']}").json
    assert record["status"] == "confirmed"
    assert record["correlationId"] == "abc-1"


def test_confirming_again_is_accepted_and_announces_nothing_new(stage: Stage) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = JPEG
    assert stage.confirm(upload["uploadId"], JPEG).status_code == 202
    assert stage.confirm(upload["uploadId"], JPEG).status_code == 202
    assert len(stage.announced) == 1
    other = stage.confirm(upload["uploadId"], JPEG, bytes=5)
    assert (other.status_code, other.json["code"]) == (422, "ALREADY_CONFIRMED")


def test_an_announcement_whose_record_was_lost_is_repeated_with_its_identity(stage: Stage) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = JPEG
    record = stage.storage.objects[f"uploads/{upload['uploadId']}.json"]
    assert stage.confirm(upload["uploadId"], JPEG).status_code == 202
    stage.storage.objects[f"uploads/{upload['uploadId']}.json"] = record
    assert stage.confirm(upload["uploadId"], JPEG).status_code == 202
    first, second = stage.announced
    assert first.cause_id == second.cause_id
    assert first.body == second.body


def test_without_the_broker_the_answer_is_503_and_nothing_is_confirmed(stage: Stage) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = JPEG
    stage.broker.refuse(TOPIC)
    answer = stage.confirm(upload["uploadId"], JPEG)
    assert (answer.status_code, answer.json["code"]) == (503, "BROKER_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert stage.client.get(f"/v1/uploads/{upload['uploadId']}").json["status"] == "started"
    assert upload["key"] in stage.storage.objects
    assert stage.confirm(upload["uploadId"], JPEG).status_code == 202
    assert len(stage.announced) == 1


@pytest.mark.parametrize(
    ("data", "changes", "code"),
    [
        (JPEG, {"bytes": 207}, "SIZE_MISMATCH"),
        (JPEG, {"checksum": "sha256:" + "0" * 64}, "CHECKSUM_MISMATCH"),
        (b"%PDF-1.7 not a picture", {}, "CONTENT_MISMATCH"),
        (b"\x89PNG\r\n\x1a\n", {}, "CONTENT_MISMATCH"),
        (JPEG[:100], {}, "TRUNCATED"),
        (JPEG + bytes(1000), {}, "TOO_LARGE"),
    ],
)
def test_a_picture_that_is_not_as_announced_is_refused_deleted_and_not_announced(
    stage: Stage, data: bytes, changes: dict[str, Any], code: str
) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = data
    answer = stage.confirm(upload["uploadId"], data, **changes)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["message"]
    assert upload["key"] not in stage.storage.objects
    assert stage.announced == []
    # The same URL may be used again, with the right picture.
    stage.storage.objects[upload["key"]] = JPEG
    assert stage.confirm(upload["uploadId"], JPEG).status_code == 202


def test_confirming_before_uploading(stage: Stage) -> None:
    upload = stage.start()
    answer = stage.confirm(upload["uploadId"], JPEG)
    assert (answer.status_code, answer.json["code"]) == (422, "NOT_UPLOADED")


def test_what_is_not_confirmed_in_time_is_deleted_and_nothing_else(stage: Stage) -> None:
    confirmed, abandoned, late = stage.start(), stage.start(), stage.start()
    for upload in (confirmed, abandoned, late):
        stage.storage.objects[upload["key"]] = JPEG
    assert stage.confirm(confirmed["uploadId"], JPEG).status_code == 202

    stage.clock.ahead = timedelta(hours=24, minutes=1)
    fresh = stage.start()
    answer = stage.confirm(late["uploadId"], JPEG)
    assert (answer.status_code, answer.json["code"]) == (404, "UPLOAD_NOT_FOUND")
    # Nothing yet: a confirmation that began in time may still be under way.
    assert stage.ingestion.sweep() == 0

    stage.clock.ahead = timedelta(hours=25, minutes=1)
    assert stage.ingestion.sweep() == 2
    assert set(stage.storage.objects) == {
        confirmed["key"],
        f"uploads/{confirmed['uploadId']}.json",
        f"uploads/{fresh['uploadId']}.json",
        f"started/{fresh['uploadId']}",
    }
    assert stage.ingestion.sweep() == 0
    assert stage.confirm(confirmed["uploadId"], JPEG).status_code == 202


def test_what_was_announced_is_kept_though_its_record_was_not_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = JPEG
    with monkeypatch.context() as broken:
        broken.setattr(stage.storage, "write", away)
        assert stage.confirm(upload["uploadId"], JPEG).status_code == 503
    assert len(stage.announced) == 1
    stage.clock.ahead = timedelta(days=3)
    assert stage.ingestion.sweep() == 0
    assert stage.storage.objects[upload["key"]] == JPEG


@pytest.mark.parametrize(
    "upload_id", ["7b5e2c1e-0000-4000-8000-000000000000", "../images/x", "", "A" * 36]
)
def test_an_unknown_upload(stage: Stage, upload_id: str) -> None:
    answer = stage.confirm(upload_id, JPEG)
    assert (answer.status_code, answer.json["code"]) == (404, "UPLOAD_NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        {"filename": "a.jpg"},
        {"filename": "", "contentType": "image/jpeg"},
        {"filename": "a\nb", "contentType": "image/jpeg"},
        {"filename": "a" * 300, "contentType": "image/jpeg"},
        [],
        "text",
        None,
    ],
)
def test_a_start_that_is_incomplete(stage: Stage, body: Any) -> None:
    answer = stage.client.post("/v1/uploads/start", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "INVALID_REQUEST")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b'{"a":' * 2000, b"[" * 20000])
def test_a_body_that_is_no_json(stage: Stage, data: bytes) -> None:
    answer = stage.client.post("/v1/uploads/confirm", data=data)
    assert (answer.status_code, answer.json["code"]) == (422, "INVALID_REQUEST")


@pytest.mark.parametrize("content_type", ["image/gif", "text/html", "image/svg+xml", ""])
def test_other_content_types_are_refused(stage: Stage, content_type: str) -> None:
    answer = stage.client.post(
        "/v1/uploads/start", json={"filename": "a", "contentType": content_type}
    )
    assert (answer.status_code, answer.json["code"]) == (422, "UNSUPPORTED_CONTENT_TYPE")
    assert stage.storage.objects == {}


@pytest.mark.parametrize(
    "changes", [{"bytes": True}, {"bytes": "208"}, {"bytes": 0}, {"checksum": "md5:00"}]
)
def test_a_confirm_that_is_malformed(stage: Stage, changes: dict[str, Any]) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = JPEG
    answer = stage.confirm(upload["uploadId"], JPEG, **changes)
    assert (answer.status_code, answer.json["code"]) == (422, "INVALID_REQUEST")
    assert upload["key"] in stage.storage.objects


def test_media_access_gives_pictures_and_nothing_else(stage: Stage) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = JPEG
    answer = stage.client.post("/v1/media/access", json={"objectKey": upload["key"]})
    assert answer.status_code == 200
    assert answer.json["url"].startswith("http://inside/images/")
    for key in (f"uploads/{upload['uploadId']}.json", "images/../uploads/x", "images/none.jpg"):
        refused = stage.client.post("/v1/media/access", json={"objectKey": key})
        assert (refused.status_code, refused.json["code"]) == (404, "OBJECT_NOT_FOUND")


def test_the_correlation_id_is_echoed_made_or_refused(stage: Stage) -> None:
    given = stage.client.get("/health", headers={"X-Correlation-ID": "abc"})
    assert given.headers["X-Correlation-ID"] == "abc"
    made = stage.client.get("/health")
    assert len(made.headers["X-Correlation-ID"]) == 36
    bad = stage.client.get("/health", headers={"X-Correlation-ID": "a b"})
    assert (bad.status_code, bad.json["code"]) == (422, "INVALID_CORRELATION_ID")


def test_storage_that_is_down(stage: Stage) -> None:
    assert stage.client.get("/health/ready").status_code == 200
    stage.storage.down = True
    answer = stage.client.post(
        "/v1/uploads/start", json={"filename": "a.jpg", "contentType": "image/jpeg"}
    )
    assert (answer.status_code, answer.json["code"]) == (503, "STORAGE_UNAVAILABLE")
    assert "Retry-After" in answer.headers
    assert stage.client.get("/health/ready").status_code == 503
    assert stage.client.get("/health/live").status_code == 200


def test_answers_of_the_framework_have_the_same_shape(stage: Stage) -> None:
    for answer, status, code in (
        (stage.client.get("/nowhere"), 404, "NOT_FOUND"),
        (stage.client.get("/v1/uploads/start/x"), 404, "NOT_FOUND"),
        (stage.client.delete("/v1/uploads/confirm"), 405, "METHOD_NOT_ALLOWED"),
    ):
        assert (answer.status_code, json.loads(answer.data)["code"]) == (status, code)
