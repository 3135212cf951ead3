import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from svc_ai_vision_adapter.domain.recognition import Aggregate, Provider
from svc_ai_vision_adapter.handler import Recognise
from svc_ai_vision_adapter.media import MediaError, MediaRefusedError, MediaUnavailableError
from svc_ai_vision_adapter.pictures import Picture
from svc_ai_vision_adapter.providers import ProviderUnavailableError
from tu_common.messaging import InvalidMessage, Message, ProbablyInvalid, TransientError

KEY = "images/2030/01/02/7b5e2c1e-0000-4000-8000-000000000000.png"


def picture() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 30)).save(target, "PNG")
    return target.getvalue()


class FakeMedia:
    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer

    def fetch(self, object_key: str, correlation_id: str) -> bytes:
        assert (object_key, correlation_id) == (KEY, "c-1")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class FakeProvider:
    def __init__(self, answer: Callable[[], Aggregate]) -> None:
        self._answer = answer

    def describe(self) -> Provider:
        return Provider("fake", "1.2", ("A", "B"), 7)

    def recognise(self, picture: Picture) -> Aggregate:
        return self._answer()

    def ready(self) -> bool:
        return True


def found() -> Aggregate:
    return Aggregate("JCB", "backhoe loader", "3CX", 0.9, True, 0.9, "model", "JCB 3CX")


def event(**fields: Any) -> Message:
    body = json.dumps({"objectKey": KEY, **fields}).encode()
    return Message(body, message_id="tu.images.uploaded-2-17", correlation_id="c-1", key=KEY)


def handler(
    media: bytes | Exception, answer: Callable[[], Aggregate] = found, max_pixels: int = 10_000
) -> Recognise:
    return Recognise(FakeMedia(media), FakeProvider(answer), topic="done", max_pixels=max_pixels)


def test_an_event_becomes_a_result() -> None:
    (effect,) = handler(picture())(event(contentType="image/png", unknown=1))
    assert effect.destination == "done"
    message = effect.message
    assert message.headers == {
        "x-schema": "recognition.completed.v1",
        "x-producer": "svc-ai-vision-adapter",
    }
    assert (message.key, message.correlation_id) == (KEY, "c-1")
    assert message.message_id == "tu.images.uploaded-2-17/recognition-completed"
    body = json.loads(message.body)
    assert body["objectKey"] == KEY
    assert body["success"] is True
    assert body["provider"] == {
        "name": "fake", "apiVersion": "1.2", "featureset": "A,B", "maxResults": 7,
    }  # fmt: skip
    assert body["aggregate"] == {
        "brand": "JCB", "type": "backhoe loader", "model": "3CX", "confidence": 0.9,
        "isConfident": True, "typeConfidence": 0.9, "typeSource": "model", "name": "JCB 3CX",
    }  # fmt: skip


def test_the_producers_own_id_identifies_the_result() -> None:
    message = Message(event().body, {"x-message-id": "u-1/uploaded"}, "t-0-1", "c-1", KEY)
    (effect,) = handler(picture())(message)
    assert effect.message.message_id == "u-1/uploaded/recognition-completed"


@pytest.mark.parametrize(
    ("media", "max_pixels", "fields", "code"),
    [
        (b"no picture", 10_000, {}, "picture-undecodable"),
        (picture(), 100, {}, "picture-too-large"),
        (MediaError("picture-missing", "gone"), 10_000, {}, "picture-missing"),
        (picture(), 10_000, {"checksum": "sha256:" + "0" * 64}, "picture-changed"),
    ],
)
def test_what_can_never_be_recognised_is_parked_and_announced_as_failed(
    media: bytes | Exception, max_pixels: int, fields: dict[str, str], code: str
) -> None:
    with pytest.raises(InvalidMessage) as caught:
        handler(media, max_pixels=max_pixels)(event(**fields))
    assert caught.value.reason == code
    (effect,) = caught.value.effects
    body = json.loads(effect.message.body)
    assert (body["success"], body["error"]["code"]) == (False, code)
    assert body["error"]["message"]
    assert body["aggregate"]["brand"] is None
    assert body["aggregate"]["confidence"] == 0
    assert body["provider"]["name"] == "fake"
    assert effect.message.correlation_id == "c-1"


def test_a_success_after_a_failure_of_the_same_message_has_an_id_of_its_own() -> None:
    ids = []
    for _ in range(2):
        with pytest.raises(InvalidMessage) as caught:
            handler(MediaError("picture-missing", "gone"))(event())
        (failed,) = caught.value.effects
        (done,) = handler(picture())(event())
        ids.append((failed.message.message_id, done.message.message_id))
    assert ids[0] == ids[1]
    assert ids[0][0] != ids[0][1]


def test_a_refused_picture_is_failed_only_after_further_attempts() -> None:
    with pytest.raises(ProbablyInvalid) as caught:
        handler(MediaRefusedError("the object storage answered 403"))(event())
    (effect,) = caught.value.effects
    body = json.loads(effect.message.body)
    assert (body["success"], body["error"]["code"]) == (False, "picture-refused")
    assert body["error"]["message"] == "the object storage answered 403"


def test_the_picture_that_was_announced_is_recognised() -> None:
    checksum = f"sha256:{hashlib.sha256(picture()).hexdigest()}"
    assert handler(picture())(event(checksum=checksum))


def unavailable() -> Aggregate:
    raise ProviderUnavailableError("overloaded")


@pytest.mark.parametrize(
    ("media", "answer"), [(MediaUnavailableError("down"), found), (picture(), unavailable)]
)
def test_what_may_work_later_is_tried_again(
    media: bytes | Exception, answer: Callable[[], Aggregate]
) -> None:
    with pytest.raises(TransientError):
        handler(media, answer)(event())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"objectKey": ""}'])
def test_an_event_that_cannot_be_read_is_parked_without_a_result(body: bytes) -> None:
    with pytest.raises(InvalidMessage) as caught:
        handler(picture())(Message(body, correlation_id="c-1"))
    assert caught.value.effects == ()
