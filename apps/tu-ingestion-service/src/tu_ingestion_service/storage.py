"""The object storage: pictures, upload records, and signed URLs. Any S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tu_common.settings import S3Settings
from tu_ingestion_service.errors import Code, UnavailableError

_MISSING = frozenset({"NoSuchKey", "NotFound", "404"})


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    size: int
    modified: datetime


class Storage(Protocol):
    """What the service needs of an object storage. Each call may raise `UnavailableError`."""

    def put_url(self, key: str, content_type: str, seconds: int) -> str: ...
    def get_url(self, key: str, seconds: int) -> str: ...
    def head(self, key: str) -> ObjectInfo | None: ...
    def read(self, key: str, limit: int) -> bytes | None:
        """At most `limit` bytes of an object; None where there is none."""
        ...

    def write(self, key: str, data: bytes, content_type: str) -> None: ...
    def delete(self, key: str) -> None: ...
    def older(self, prefix: str, moment: datetime) -> list[str]:
        """The keys that begin with `prefix` and were last written before `moment`."""
        ...

    def ready(self) -> bool: ...


class S3Storage:
    """Two clients: one acts, at the endpoint inside; the other signs for the endpoint outside."""

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = settings.s3_bucket
        self._client = _client(settings, settings.s3_endpoint)
        self._public = _client(settings, settings.s3_public_endpoint)

    def put_url(self, key: str, content_type: str, seconds: int) -> str:
        # The content type is signed with the rest: a PUT with another one is refused.
        parameters = {"Bucket": self._bucket, "Key": key, "ContentType": content_type}
        return str(
            self._public.generate_presigned_url(
                "put_object", Params=parameters, ExpiresIn=seconds, HttpMethod="PUT"
            )
        )

    def get_url(self, key: str, seconds: int) -> str:
        parameters = {"Bucket": self._bucket, "Key": key}
        return str(
            self._client.generate_presigned_url(
                "get_object", Params=parameters, ExpiresIn=seconds, HttpMethod="GET"
            )
        )

    def head(self, key: str) -> ObjectInfo | None:
        with _translated():
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if _is_missing(error):
                    return None
                raise
            return ObjectInfo(int(found["ContentLength"]), found["LastModified"])

    def read(self, key: str, limit: int) -> bytes | None:
        with _translated():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if _is_missing(error):
                    return None
                raise
            with found["Body"] as body:
                return bytes(body.read(limit))

    def write(self, key: str, data: bytes, content_type: str) -> None:
        with _translated():
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=data, ContentType=content_type
            )

    def delete(self, key: str) -> None:
        with _translated():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def older(self, prefix: str, moment: datetime) -> list[str]:
        with _translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            objects = [item for page in pages for item in page.get("Contents", ())]
            return [str(item["Key"]) for item in objects if item["LastModified"] < moment]

    def ready(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except (ClientError, BotoCoreError):
            return False
        return True


def _client(settings: S3Settings, endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        region_name=settings.s3_region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=3,
            read_timeout=15,
            retries={"mode": "standard", "total_max_attempts": 3},
            # Newer SDKs add checksums of their own, which not every S3 server knows, and which
            # a client with a presigned URL could not compute.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _is_missing(error: ClientError) -> bool:
    return str(error.response.get("Error", {}).get("Code")) in _MISSING


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        # Refused credentials or a missing bucket are as little the caller's doing as a time-out.
        raise UnavailableError(
            Code.STORAGE_UNAVAILABLE, "the object storage cannot be used at the moment"
        ) from error
