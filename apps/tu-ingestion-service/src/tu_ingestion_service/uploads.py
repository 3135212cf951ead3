"""Uploads: their ids, keys and records, and what a request about one must look like."""

import re
import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints
from pydantic.alias_generators import to_camel

from tu_ingestion_service.pictures import EXTENSIONS

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IS_GUID = re.compile(_GUID)
_IS_KEY = re.compile(rf"images/\d{{4}}/\d{{2}}/\d{{2}}/{_GUID}\.(?:jpg|png|webp)")

CONTENT_TYPES = tuple(EXTENSIONS)


def is_upload_id(text: str) -> bool:
    return _IS_GUID.fullmatch(text) is not None


def is_object_key(text: str) -> bool:
    """Whether this is the key of a picture; nothing else in the bucket is anyone's to read."""
    return _IS_KEY.fullmatch(text) is not None


class _Json(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True, frozen=True
    )


class StartRequest(_Json):
    filename: Annotated[
        str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")
    ]
    content_type: Annotated[
        str, StringConstraints(max_length=100, strip_whitespace=True, to_lower=True)
    ]


class ConfirmRequest(_Json):
    upload_id: Annotated[str, StringConstraints(max_length=64)]
    bytes: Annotated[StrictInt, Field(ge=1)]
    checksum: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-fA-F]{64}$", to_lower=True)]


class MediaRequest(_Json):
    object_key: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Upload(_Json):
    """The record of one upload, kept beside the pictures."""

    upload_id: str
    key: str
    filename: str
    content_type: str
    correlation_id: str
    started_at: datetime
    expires_at: datetime
    status: Literal["started", "confirmed"] = "started"
    bytes: int | None = None
    checksum: str | None = None
    uploaded_at: datetime | None = None
    confirmed_at: datetime | None = None

    @classmethod
    def start(
        cls,
        request: StartRequest,
        *,
        upload_id: uuid.UUID,
        correlation_id: str,
        now: datetime,
        expires_at: datetime,
    ) -> Self:
        extension = EXTENSIONS[request.content_type]
        return cls(
            upload_id=str(upload_id),
            key=f"images/{now:%Y/%m/%d}/{upload_id}.{extension}",
            filename=request.filename,
            content_type=request.content_type,
            correlation_id=correlation_id,
            started_at=now,
            expires_at=expires_at,
        )

    @property
    def event_id(self) -> str:
        """The identity of the announcement: however often it is published, it is this one."""
        return f"{self.upload_id}/uploaded"


def timestamp(moment: datetime) -> str:
    """As it stands in an answer: UTC, to the second, with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
