"""What the service does, without HTTP: start, find and confirm uploads, and give access to them."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from tu_common import messages
from tu_common.messages import ImageUploaded
from tu_common.messaging import Effect, InvalidMessage, Message, TransientError
from tu_common.messaging.core import HEADER_PRODUCER, HEADER_SCHEMA, Publisher
from tu_ingestion_service.errors import (
    ApiError,
    Code,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from tu_ingestion_service.pictures import inspect
from tu_ingestion_service.storage import ObjectInfo, Storage
from tu_ingestion_service.uploads import (
    CONTENT_TYPES,
    ConfirmRequest,
    MediaRequest,
    StartRequest,
    Upload,
    is_object_key,
    is_upload_id,
    timestamp,
)

log = logging.getLogger(__name__)

PRODUCER = "tu-ingestion-service"
_RECORD_LIMIT = 64 * 1024
# Uploads that were started lately, so that looking for unconfirmed ones lists no others.
_STARTED = "started/"
# A confirmation under way when the time for it ends is over long before this has passed.
_SWEEP_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int
    upload_url_seconds: int
    media_url_seconds: int
    publish_timeout_seconds: float
    unconfirmed_seconds: int


class Ingestion:
    def __init__(
        self,
        storage: Storage,
        producer: Publisher,
        *,
        topic: str,
        limits: Limits,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._storage = storage
        self._producer = producer
        self._topic = topic
        self._limits = limits
        self._unconfirmed = timedelta(seconds=limits.unconfirmed_seconds)
        self._now = now

    def start(self, request: StartRequest, correlation_id: str) -> dict[str, str]:
        if request.content_type not in CONTENT_TYPES:
            raise RefusedError(
                Code.UNSUPPORTED_CONTENT_TYPE,
                f"contentType {request.content_type!r} is not one of {', '.join(CONTENT_TYPES)}",
            )
        now = self._now().replace(microsecond=0)
        upload = Upload.start(
            request,
            upload_id=uuid.uuid4(),
            correlation_id=correlation_id,
            now=now,
            expires_at=now + timedelta(seconds=self._limits.upload_url_seconds),
        )
        # First what makes sure that it will be deleted, then the record: a URL that was given out
        # without one could never be confirmed.
        self._storage.write(_STARTED + upload.upload_id, b"", "text/plain")
        self._save(upload)
        url = self._storage.put_url(
            upload.key, upload.content_type, self._limits.upload_url_seconds
        )
        log.info("upload started", extra={"uploadId": upload.upload_id, "objectKey": upload.key})
        return {
            "uploadId": upload.upload_id,
            "key": upload.key,
            "putUrl": url,
            "expiresAt": timestamp(upload.expires_at),
        }

    def find(self, upload_id: str) -> Upload:
        unknown = NotFoundError(Code.UPLOAD_NOT_FOUND, "there is no upload with this id")
        # An id becomes part of a key: nothing but a guid is looked up.
        if not is_upload_id(upload_id):
            raise unknown
        data = self._storage.read(_record_key(upload_id), _RECORD_LIMIT)
        if data is None:
            raise unknown
        try:
            return Upload.model_validate_json(data)
        except ValidationError as error:
            raise ApiError(
                Code.INTERNAL_ERROR, "the record of this upload cannot be read"
            ) from error

    def confirm(self, request: ConfirmRequest) -> None:
        """Check what was uploaded and announce it; returns once the broker has confirmed."""
        upload = self.find(request.upload_id)
        if upload.status == "confirmed":
            if (upload.bytes, upload.checksum) != (request.bytes, request.checksum):
                raise RefusedError(
                    Code.ALREADY_CONFIRMED,
                    "this upload was already confirmed, with another size or checksum",
                )
            # The broker has this announcement; asking twice must not start two analyses.
            return
        if self._now() > upload.started_at + self._unconfirmed:
            raise NotFoundError(
                Code.UPLOAD_NOT_FOUND, "this upload was not confirmed in time; start another one"
            )
        info = self._storage.head(upload.key)
        if info is None:
            raise RefusedError(
                Code.NOT_UPLOADED, "nothing was uploaded to the putUrl of this upload"
            )
        try:
            self._check(upload, request, info)
        except RefusedError as error:
            # What was refused is not kept, so that nobody can take it for a picture later. The
            # same putUrl can be used again while it lives.
            self._storage.delete(upload.key)
            log.info(
                "upload refused",
                extra={"uploadId": upload.upload_id, "code": error.code, "why": error.message},
            )
            raise
        # From here on others may know of the picture, whatever becomes of this answer: it is kept.
        self._storage.delete(_STARTED + upload.upload_id)
        self._announce(upload, request, info)
        self._save(
            upload.model_copy(
                update={
                    "status": "confirmed",
                    "bytes": request.bytes,
                    "checksum": request.checksum,
                    "uploaded_at": info.modified,
                    "confirmed_at": self._now(),
                }
            )
        )
        log.info("upload confirmed", extra={"uploadId": upload.upload_id, "objectKey": upload.key})

    def sweep(self) -> int:
        """Delete uploads that were not confirmed in time, with their pictures; how many.

        Replicas may do it at once: what one has deleted is nothing to the other.
        """
        swept = 0
        for key in self._storage.older(_STARTED, self._now() - self._unconfirmed - _SWEEP_AFTER):
            try:
                upload = self.find(key.removeprefix(_STARTED))
            except UnavailableError:
                raise
            except ApiError:
                # No record, or one that cannot be read: nothing says what else to delete.
                upload = None
            if upload and upload.status == "started":
                self._storage.delete(upload.key)
                self._storage.delete(_record_key(upload.upload_id))
                swept += 1
            self._storage.delete(key)
        return swept

    def media_access(self, request: MediaRequest) -> dict[str, str]:
        known = is_object_key(request.object_key) and self._storage.head(request.object_key)
        if not known:
            raise NotFoundError(Code.OBJECT_NOT_FOUND, "there is no picture with this objectKey")
        seconds = self._limits.media_url_seconds
        url = self._storage.get_url(request.object_key, seconds)
        return {"url": url, "expiresAt": timestamp(self._now() + timedelta(seconds=seconds))}

    def _check(self, upload: Upload, request: ConfirmRequest, info: ObjectInfo) -> None:
        if info.size > self._limits.max_bytes:
            raise RefusedError(
                Code.TOO_LARGE,
                f"{info.size} bytes were uploaded, {self._limits.max_bytes} are allowed",
            )
        if info.size != request.bytes:
            raise RefusedError(
                Code.SIZE_MISMATCH, f"{info.size} bytes were uploaded, {request.bytes} announced"
            )
        data = self._storage.read(upload.key, self._limits.max_bytes + 1)
        if data is None or len(data) != info.size:
            raise UnavailableError(
                Code.STORAGE_UNAVAILABLE, "the picture changed while it was checked"
            )
        found = inspect(data)
        if found.checksum != request.checksum:
            raise RefusedError(
                Code.CHECKSUM_MISMATCH,
                f"what was uploaded has {found.checksum}, announced was {request.checksum}",
            )
        if found.content_type != upload.content_type:
            raise RefusedError(
                Code.CONTENT_MISMATCH,
                f"this is {found.content_type or 'not a picture'}, announced was"
                f" {upload.content_type}",
            )
        if not found.complete:
            raise RefusedError(Code.TRUNCATED, "the picture is cut short: its end is missing")

    def _announce(self, upload: Upload, request: ConfirmRequest, info: ObjectInfo) -> None:
        event = ImageUploaded(
            upload_id=upload.upload_id,
            object_key=upload.key,
            content_type=upload.content_type,
            bytes=request.bytes,
            checksum=request.checksum,
            # When the picture came, not when it was announced: a repeated event stays the same.
            occurred_at=info.modified,
        )
        message = Message(
            body=event.to_bytes(),
            headers={
                HEADER_SCHEMA: messages.SCHEMA_IMAGE_UPLOADED,
                HEADER_PRODUCER: PRODUCER,
            },
            message_id=upload.event_id,
            # The id made when the upload started says whose it is; a later request's does not.
            correlation_id=upload.correlation_id,
            key=upload.key,
        )
        try:
            self._producer.publish(
                Effect(self._topic, message), timeout=self._limits.publish_timeout_seconds
            )
        except (TransientError, InvalidMessage) as error:
            log.warning("not announced: %s", error, extra={"uploadId": upload.upload_id})
            raise UnavailableError(
                Code.BROKER_UNAVAILABLE, "the upload could not be announced; confirm it again"
            ) from error

    def _save(self, upload: Upload) -> None:
        self._storage.write(
            _record_key(upload.upload_id),
            upload.model_dump_json(exclude_none=True).encode(),
            "application/json",
        )


def _record_key(upload_id: str) -> str:
    return f"uploads/{upload_id}.json"
