"""From an event about a picture to the event about what is on it."""

import hashlib
import logging
import time

from prometheus_client import Counter, Histogram

from svc_ai_vision_adapter.domain.recognition import Aggregate
from svc_ai_vision_adapter.media import (
    Media,
    MediaError,
    MediaRefusedError,
    MediaUnavailableError,
)
from svc_ai_vision_adapter.pictures import PictureError, open_picture
from svc_ai_vision_adapter.providers import ProviderUnavailableError, RecognitionProvider
from tu_common import messages
from tu_common.messages import ImageUploaded, RecognitionCompleted, RecognitionError
from tu_common.messaging import (
    Effect,
    InvalidMessage,
    Message,
    ProbablyInvalid,
    TransientError,
)
from tu_common.messaging.core import HEADER_PRODUCER, HEADER_SCHEMA

log = logging.getLogger(__name__)

PRODUCER = "svc-ai-vision-adapter"

RECOGNITIONS = Counter(
    "vision_recognitions", "Pictures looked at, by outcome; refused ones are not", ["outcome"]
)
SECONDS = Histogram(
    "vision_recognition_seconds",
    "How long a picture was looked at",
    buckets=(0.25, 0.5, 1, 2, 5, 10, 20, 30, 60),
)


class Recognise:
    """A handler for the consumer: one message about a picture, one result."""

    def __init__(
        self, media: Media, provider: RecognitionProvider, *, topic: str, max_pixels: int
    ) -> None:
        self._media = media
        self._provider = provider
        self._topic = topic
        self._max_pixels = max_pixels

    def __call__(self, message: Message) -> list[Effect]:
        # A recognition request is an upload event of which only the object key is known.
        event = ImageUploaded.read(message.body)
        try:
            aggregate = self._look(event, message.correlation_id)
        except (MediaUnavailableError, ProviderUnavailableError) as error:
            raise TransientError(str(error)) from error
        except MediaRefusedError as error:
            raise self._failed(
                message, event, "picture-refused", str(error), ProbablyInvalid
            ) from error
        except (MediaError, PictureError) as error:
            raise self._failed(message, event, error.code, str(error)) from error
        except Exception as error:
            # A decoder's or our own mistake: the client is waiting for an answer all the same.
            log.exception("recognition failed", extra={"objectKey": event.object_key})
            raise self._failed(
                message, event, "recognition-failed", "the picture could not be recognised"
            ) from error
        RECOGNITIONS.labels("confident" if aggregate.is_confident else "unsure").inc()
        log.info(
            "recognised",
            extra={"objectKey": event.object_key, "aggregate": aggregate.as_message()},
        )
        return [self._result(message, event, aggregate, None)]

    def _failed(
        self,
        message: Message,
        event: ImageUploaded,
        code: str,
        text: str,
        kind: type[InvalidMessage] = InvalidMessage,
    ) -> InvalidMessage:
        """Parks the message, and tells the client so."""
        if kind is InvalidMessage:
            # The other kind is raised at every attempt, of which the next may succeed.
            RECOGNITIONS.labels(code).inc()
        failure = RecognitionError(code=code, message=text)
        result = self._result(message, event, Aggregate(), failure)
        return kind(code, text, effects=[result])

    def _look(self, event: ImageUploaded, correlation_id: str) -> Aggregate:
        data = self._media.fetch(event.object_key, correlation_id)
        announced = event.checksum.lower()
        if announced.startswith("sha256:"):
            found = f"sha256:{hashlib.sha256(data).hexdigest()}"
            if found != announced:
                # The signed URL outlives the confirmation: what was checked is what counts.
                raise PictureError("picture-changed", f"{found} was fetched, not {announced}")
        picture = open_picture(data, max_pixels=self._max_pixels)
        started = time.monotonic()
        try:
            return self._provider.recognise(picture)
        finally:
            SECONDS.observe(time.monotonic() - started)

    def _result(
        self,
        message: Message,
        event: ImageUploaded,
        aggregate: Aggregate,
        error: RecognitionError | None,
    ) -> Effect:
        completed = RecognitionCompleted(
            provider=messages.Provider.model_validate(self._provider.describe().as_message()),
            aggregate=messages.Aggregate.model_validate(aggregate.as_message()),
            success=error is None,
            object_key=event.object_key,
            error=error,
        )
        return Effect(
            self._topic,
            Message(
                body=completed.to_bytes(),
                headers={
                    HEADER_SCHEMA: messages.SCHEMA_RECOGNITION_COMPLETED,
                    HEADER_PRODUCER: PRODUCER,
                },
                # Two ids, so that a success after a replay is not taken for the failure repeated.
                message_id=f"{message.cause_id}/recognition-{'failed' if error else 'completed'}",
                correlation_id=message.correlation_id,
                key=event.object_key,
            ),
        )
