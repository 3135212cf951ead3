"""Uploads that are confirmed, refused, repeated or left."""

import re
from datetime import timedelta
from typing import Any

import pytest
from ingestion_stage import JPEG, TOPIC, UPLOADED_AT, Stage, away

from tu_common.messages import ImageUploaded


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
    "changes", [{"bytes": True}, {"bytes": "208"}, {"bytes": 0}, {"checksum": "md5:00"}]
)
def test_a_confirm_that_is_malformed(stage: Stage, changes: dict[str, Any]) -> None:
    upload = stage.start()
    stage.storage.objects[upload["key"]] = JPEG
    answer = stage.confirm(upload["uploadId"], JPEG, **changes)
    assert (answer.status_code, answer.json["code"]) == (422, "INVALID_REQUEST")
    assert upload["key"] in stage.storage.objects
