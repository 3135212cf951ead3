"""What follows from what happened. No I/O."""

from collections.abc import Mapping, Sequence

from svc_analysis_orchestrator.settings import SERVICE, Settings
from tu_common import messages
from tu_common.messages import (
    AnalysisCommand,
    AnalysisCompleted,
    AnalysisStarted,
    Body,
    ImageUploaded,
    RecognitionCompleted,
    RecognitionPayload,
    RecognitionRequest,
)
from tu_common.messaging import Effect, Handler, Message
from tu_common.messaging.core import HEADER_PRODUCER, HEADER_SCHEMA
from tu_common.topology import Topology


class Decisions:
    def __init__(self, settings: Settings, names: Topology) -> None:
        self._settings = settings
        self._names = names

    def handlers(self) -> Mapping[str, Handler]:
        """Queue → what to do with its messages."""
        return {
            self._names.queue("orchestrator_image_uploaded"): self.image_uploaded,
            self._names.queue("orchestrator_recognition_completed"): self.recognition_completed,
            self._names.queue("orchestrator_analysis_commands"): self.analysis_command,
        }

    def image_uploaded(self, message: Message) -> Sequence[Effect]:
        return [self._started(message, ImageUploaded.read(message.body).object_key)]

    def analysis_command(self, message: Message) -> Sequence[Effect]:
        object_key = AnalysisCommand.read(message.body).object_key
        request = _caused(
            message,
            "analysis.recognition.request",
            messages.SCHEMA_RECOGNITION_REQUEST,
            RecognitionRequest(object_key=object_key),
            object_key,
        )
        return [
            self._started(message, object_key),
            Effect(
                self._settings.exchange_analysis_requests,
                request,
                routing_key=self._names.routing_keys["recognition_request"],
            ),
        ]

    def recognition_completed(self, message: Message) -> Sequence[Effect]:
        seen = RecognitionCompleted.read(message.body)
        # The contract has the object key in Kafka's key only; our own adapter adds it to the body.
        object_key = seen.object_key or message.key or None
        payload = RecognitionPayload(provider=seen.provider, aggregate=seen.aggregate)
        completed = AnalysisCompleted(
            success=seen.success,
            recognition_payload=payload if seen.success else None,
            object_key=object_key,
            correlation_id=message.correlation_id or None,
        )
        return [
            Effect(
                self._settings.exchange_analysis_completed,
                _caused(
                    message,
                    "analysis.completed",
                    messages.SCHEMA_ANALYSIS_COMPLETED,
                    completed,
                    object_key or "",
                ),
            )
        ]

    def _started(self, message: Message, object_key: str) -> Effect:
        started = AnalysisStarted(
            object_key=object_key, correlation_id=message.correlation_id or None
        )
        return Effect(
            self._settings.exchange_analysis_started,
            _caused(
                message, "analysis.started", messages.SCHEMA_ANALYSIS_STARTED, started, object_key
            ),
        )


def _caused(cause: Message, effect: str, schema: str, body: Body, object_key: str) -> Message:
    return Message(
        body=body.to_bytes(),
        headers={HEADER_SCHEMA: schema, HEADER_PRODUCER: SERVICE},
        # Derived, so that what a second delivery of the cause brings about is known as the same.
        message_id=f"{cause.cause_id}/{effect}",
        correlation_id=cause.correlation_id,
        key=object_key,
    )
