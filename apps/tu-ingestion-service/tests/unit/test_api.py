"""Requests and answers: their shapes, and what is refused."""

import json
from typing import Any

import pytest
from ingestion_stage import JPEG, Stage


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
