"""What the API's operations do, without GraphQL and without HTTP."""

import logging
import re
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from graph_gateway.errors import ApiError, ErrorCode
from graph_gateway.ingestion import Upload
from graph_gateway.tokens import Principal
from tu_common import logs, ownership
from tu_common.messages import SCHEMA_ANALYSIS_COMMAND, AnalysisCommand
from tu_common.messaging import Effect, Message, TransientError
from tu_common.messaging.core import HEADER_PRODUCER, HEADER_SCHEMA, Publisher

PRODUCER = "graph-gateway"

_log = logging.getLogger(__name__)

_KEY = re.compile(r"^images/\d{4}/\d{2}/\d{2}/(?P<upload_id>[0-9a-fA-F-]{32,36})\.[a-z]{3,4}$")


class Ingestion(Protocol):
    def start(self, filename: str, content_type: str, correlation_id: str) -> dict[str, Any]: ...

    def confirm(
        self, upload_id: str, size: int, checksum: str, correlation_id: str
    ) -> dict[str, Any]: ...

    def find(self, upload_id: str) -> Upload: ...


@dataclass(frozen=True)
class Uploads:
    ingestion: Ingestion
    publisher: Publisher
    correlation_key: bytes
    commands_exchange: str
    request_routing_key: str
    publish_timeout: float = 10.0

    def start(self, caller: Principal, filename: str, content_type: str) -> dict[str, Any]:
        correlation_id = ownership.mint(self.correlation_key, caller.subject)
        with logs.correlation(correlation_id):
            upload = self.ingestion.start(filename, content_type, correlation_id)
            _log.info("upload started", extra={"uploadId": upload.get("uploadId")})
        return {"correlationId": correlation_id, "imageUploadPayload": upload}

    def confirm(
        self, caller: Principal, upload_id: str, size: int, checksum: str
    ) -> dict[str, Any]:
        upload = self._own(caller, upload_id)
        with logs.correlation(upload.correlation_id):
            answer = self.ingestion.confirm(upload.upload_id, size, checksum, upload.correlation_id)
            _log.info("upload confirmed", extra={"uploadId": upload.upload_id})
            return answer

    def request_analysis(self, caller: Principal, object_key: str) -> dict[str, Any]:
        found = _KEY.match(object_key)
        if found is None:
            raise _no_such_upload()
        upload = self._own(caller, found["upload_id"])
        if upload.key != object_key:
            raise _no_such_upload()
        if not upload.confirmed:
            raise ApiError(
                ErrorCode.BAD_USER_INPUT, "The upload is not confirmed yet: confirmUpload first."
            )
        with logs.correlation(upload.correlation_id):
            self._command(upload)
            _log.info("analysis requested", extra={"objectKey": upload.key})
        return {"correlationId": upload.correlation_id}

    def _own(self, caller: Principal, upload_id: str) -> Upload:
        try:
            uuid.UUID(upload_id)
        except ValueError:
            raise _no_such_upload() from None
        upload = self.ingestion.find(upload_id)
        if not ownership.owns(self.correlation_key, upload.correlation_id, caller.subject):
            raise ApiError(ErrorCode.FORBIDDEN, "The upload belongs to someone else.")
        return upload

    def _command(self, upload: Upload) -> None:
        message = Message(
            body=AnalysisCommand(object_key=upload.key).to_bytes(),
            headers={HEADER_SCHEMA: SCHEMA_ANALYSIS_COMMAND, HEADER_PRODUCER: PRODUCER},
            message_id=f"{PRODUCER}-{uuid.uuid4()}",
            correlation_id=upload.correlation_id,
            key=upload.key,
        )
        effect = Effect(self.commands_exchange, message, routing_key=self.request_routing_key)
        try:
            self.publisher.publish(effect, timeout=self.publish_timeout)
        except TransientError as error:
            raise ApiError(
                ErrorCode.UPSTREAM_UNAVAILABLE,
                "Analyses cannot be requested at the moment; try again.",
            ) from error


def _no_such_upload() -> ApiError:
    return ApiError(ErrorCode.NOT_FOUND, "There is no such upload.")
