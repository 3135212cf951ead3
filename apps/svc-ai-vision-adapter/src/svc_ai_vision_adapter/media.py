"""Fetching pictures: access from the ingestion service, bytes from the object storage."""

import re
from typing import Any, Protocol

import requests

_TIMEOUT = (3.05, 15)
_CHUNK = 64 * 1024
# Beside 5xx, the answers that say themselves that another attempt may succeed.
_PASSING = frozenset({408, 425, 429})
# What the ingestion service accepts as a correlation id; a peer's odd one is not passed on.
_CORRELATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class MediaUnavailableError(Exception):
    """The picture cannot be had now; later it may."""


class MediaRefusedError(Exception):
    """The picture is refused; that may pass, like a secret that is being changed, or last."""


class MediaError(Exception):
    """The picture can never be had; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Media(Protocol):
    def fetch(self, object_key: str, correlation_id: str) -> bytes:
        """The picture's bytes, or one of the errors above."""
        ...


class HttpMedia:
    def __init__(self, ingestion_url: str, *, max_bytes: int) -> None:
        self._access = f"{ingestion_url}/v1/media/access"
        self._max_bytes = max_bytes
        self._session = requests.Session()
        # Both peers are reached directly: no proxy, and no netrc that would spoil a signed URL.
        self._session.trust_env = False

    def fetch(self, object_key: str, correlation_id: str) -> bytes:
        try:
            return self._read(self._url_of(object_key, correlation_id))
        except (requests.RequestException, OSError) as error:
            # Not its text: it quotes the presigned URL, which is as good as a key while it lives.
            kind = type(error).__name__
            raise MediaUnavailableError(f"the picture cannot be fetched: {kind}") from None

    def _url_of(self, object_key: str, correlation_id: str) -> str:
        known = _CORRELATION_ID.fullmatch(correlation_id)
        answer = self._session.post(
            self._access,
            json={"objectKey": object_key},
            headers={"X-Correlation-ID": correlation_id} if known else {},
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        if answer.status_code in (404, 422):
            raise MediaError("picture-missing", f"the ingestion service says: {_message(answer)}")
        _expect_200(answer, "the ingestion service")
        url = answer.json().get("url")
        if not isinstance(url, str):
            raise MediaUnavailableError("the ingestion service answered without a url")
        return url

    def _read(self, url: str) -> bytes:
        with self._session.get(url, timeout=_TIMEOUT, stream=True, allow_redirects=False) as answer:
            if answer.status_code == 404:
                raise MediaError("picture-missing", "the object storage has no such picture")
            _expect_200(answer, "the object storage")
            data = bytearray()
            for chunk in answer.iter_content(_CHUNK):
                data += chunk
                if len(data) > self._max_bytes:
                    raise MediaError(
                        "picture-too-large", f"the file is larger than {self._max_bytes} bytes"
                    )
            expected = answer.headers.get("Content-Length")
            if expected is not None and len(data) != int(expected):
                raise MediaUnavailableError("the object storage broke off")
            return bytes(data)


def _expect_200(answer: requests.Response, who: str) -> None:
    status = answer.status_code
    if status in _PASSING or status >= 500:
        raise MediaUnavailableError(f"{who} answered {status}")
    if status != 200:
        raise MediaRefusedError(f"{who} answered {status}")


def _message(answer: requests.Response) -> str:
    try:
        body: Any = answer.json()
    except ValueError:
        return str(answer.status_code)
    known = isinstance(body, dict) and "code" in body
    return f"{body['code']}: {body.get('message', '')}" if known else str(answer.status_code)
