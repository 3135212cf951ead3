"""The messages: typed, written in one shape, read tolerantly.

Each has a JSON Schema in ``tu_common/schemas`` and test vectors in ``tests/vectors``. Unknown
fields are kept, so that what a newer peer adds comes out at the other end.
"""

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from typing import Any, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from tu_common.messaging.core import InvalidMessage

# x-schema values as this platform writes them. Readers do not insist: peers write others.
SCHEMA_IMAGE_UPLOADED = "images.uploaded.v1"
SCHEMA_RECOGNITION_COMPLETED = "recognition.completed.v1"
SCHEMA_RECOGNITION_REQUEST = "analysis.recognition.request.v1"
SCHEMA_ANALYSIS_STARTED = "analysis.started.v1"
SCHEMA_ANALYSIS_COMPLETED = "analysis.completed.v1"
SCHEMA_ANALYSIS_COMMAND = "analysis.request.v1"


class Body(BaseModel):
    """A message body: camelCase JSON outside, snake_case here."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        frozen=True,
        serialize_by_alias=True,
        allow_inf_nan=False,
    )

    @classmethod
    def read(cls, body: bytes | str | Mapping[str, Any]) -> Self:
        """Parse, or raise ``InvalidMessage`` with a reason that names the field."""
        try:
            value = body if isinstance(body, Mapping) else json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise InvalidMessage("not-json", str(error)) from None
        if not isinstance(value, Mapping):
            raise InvalidMessage("not-an-object", f"a JSON {type(value).__name__}")
        try:
            return cls.model_validate(dict(value))
        except ValidationError as error:
            problems = (
                f"{'.'.join(str(part) for part in item['loc']) or 'body'}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            )
            raise InvalidMessage("invalid-body", "; ".join(problems)) from None

    def plain(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)

    def to_bytes(self) -> bytes:
        return json.dumps(self.plain(), ensure_ascii=False, separators=(",", ":")).encode()


class ImageUploaded(Body):
    """``tu.images.uploaded``: a picture is in the object storage, whole and checked."""

    upload_id: str = Field(default="", description="guid of the upload")
    object_key: str = Field(min_length=1)
    content_type: str = ""
    size: int | None = Field(default=None, ge=0, alias="bytes")
    checksum: str = ""
    occurred_at: datetime | None = None


class Provider(Body):
    name: str | None = None
    api_version: str | None = Field(
        default=None, validation_alias=AliasChoices("apiVersion", "api_version", "model")
    )
    featureset: str | None = Field(
        default=None, validation_alias=AliasChoices("featureset", "featureSet", "features")
    )
    max_results: int | None = None

    @field_validator("featureset", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return ", ".join(str(item) for item in value)
        return value


class Aggregate(Body):
    brand: str | None = None
    type: str | None = Field(
        default=None, validation_alias=AliasChoices("type", "machineType", "machine_type")
    )
    model: str | None = None
    confidence: float | None = None
    is_confident: bool | None = None
    type_confidence: float | None = None
    type_source: str | None = None
    name: str | None = None


class RecognitionError(Body):
    code: str
    message: str = ""


class RecognitionCompleted(Body):
    """``tu.recognition.completed``: what was seen on a picture, or why nothing could be."""

    provider: Provider = Provider()
    aggregate: Aggregate = Aggregate()
    success: bool = True
    object_key: str | None = None
    error: RecognitionError | None = None

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if not any(value.get(name) for name in ("provider", "aggregate", "error")):
            raise ValueError("neither provider nor aggregate nor error")
        given = {name: item for name, item in value.items() if item is not None}
        return {"success": not given.get("error"), **given}


class RecognitionPayload(Body):
    provider: Provider
    aggregate: Aggregate


class AnalysisCommand(Body):
    """``analysis.commands``, key ``analysis.request``: analyse this picture again."""

    object_key: str = Field(min_length=1)


class RecognitionRequest(Body):
    """``analysis.recognition.request``: recognise this picture."""

    object_key: str = Field(min_length=1)


class AnalysisStarted(Body):
    """``analysis.started``."""

    object_key: str = Field(min_length=1)
    correlation_id: str | None = None


class AnalysisCompleted(Body):
    """``analysis.completed``; the payload is null where ``success`` is false."""

    success: bool
    recognition_payload: RecognitionPayload | None = None
    object_key: str | None = None
    correlation_id: str | None = None


BODIES: dict[str, type[Body]] = {
    "image-uploaded": ImageUploaded,
    "recognition-completed": RecognitionCompleted,
    "recognition-request": RecognitionRequest,
    "analysis-command": AnalysisCommand,
    "analysis-started": AnalysisStarted,
    "analysis-completed": AnalysisCompleted,
}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a message, by its name in ``BODIES``."""
    text = resources.files("tu_common.schemas").joinpath(f"{name}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
