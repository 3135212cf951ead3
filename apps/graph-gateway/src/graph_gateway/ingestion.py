"""tu-ingestion-service over REST."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from graph_gateway.errors import ApiError, ErrorCode

_log = logging.getLogger(__name__)

_AGAIN = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Upload:
    upload_id: str
    key: str
    correlation_id: str
    # Whether size, type and checksum of the picture were found to be what was announced.
    confirmed: bool = True


class IngestionClient:
    """Each call is safe to repeat, so one that meets a pod on its way out is repeated."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout = (3.05, timeout)
        self._pauses = pauses
        self._sleep = sleep
        self._local = threading.local()

    def start(self, filename: str, content_type: str, correlation_id: str) -> dict[str, Any]:
        body = {"filename": filename, "contentType": content_type}
        return self._call("POST", "/v1/uploads/start", correlation_id, body)

    def confirm(
        self, upload_id: str, size: int, checksum: str, correlation_id: str
    ) -> dict[str, Any]:
        body = {"uploadId": upload_id, "bytes": size, "checksum": checksum}
        return self._call("POST", "/v1/uploads/confirm", correlation_id, body)

    def find(self, upload_id: str) -> Upload:
        record = self._call("GET", f"/v1/uploads/{quote(upload_id, safe='')}")
        try:
            return Upload(
                record["uploadId"],
                record["key"],
                record["correlationId"],
                # A service that does not say so announced the upload itself.
                confirmed=record.get("status", "confirmed") == "confirmed",
            )
        except KeyError as missing:
            raise _unavailable(f"its record has no {missing}") from None

    def _call(
        self,
        method: str,
        path: str,
        correlation_id: str = "",
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        response = self._answered(method, path, correlation_id, body)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code in (400, 413, 415, 422):
            raise ApiError(ErrorCode.BAD_USER_INPUT, _message(answer) or "The input was refused.")
        if response.status_code == 404:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such upload.")
        if not response.ok or not isinstance(answer, dict):
            raise _unavailable(f"answered {response.status_code}")
        return answer

    def _answered(
        self, method: str, path: str, correlation_id: str, body: dict[str, Any] | None
    ) -> requests.Response:
        headers = {"X-Correlation-ID": correlation_id} if correlation_id else {}
        problem = ""
        for pause in (*self._pauses, None):
            try:
                response = self._session().request(
                    method,
                    self._url + path,
                    json=body,
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                )
                if response.status_code not in _AGAIN:
                    return response
                problem = f"answered {response.status_code}"
            except requests.ReadTimeout:
                problem = "did not answer in time"
                break  # it has had its time; the caller waits no longer
            except requests.RequestException as error:
                problem = type(error).__name__
            if pause is not None:
                self._sleep(pause)
        raise _unavailable(problem)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            # Inside the cluster nothing is reached through a proxy.
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session


def _unavailable(problem: str) -> ApiError:
    _log.warning("tu-ingestion-service is unavailable", extra={"problem": problem})
    return ApiError(
        ErrorCode.UPSTREAM_UNAVAILABLE, "Uploads are unavailable at the moment; try again."
    )


def _message(answer: Any) -> str:
    """The sentence in an error body, whichever of the usual shapes it has."""
    if not isinstance(answer, dict):
        return ""
    for name in ("message", "detail", "error", "title"):
        value = answer.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict) and (inner := _message(value)):
            return inner
        if isinstance(value, list) and value:
            texts = [item if isinstance(item, str) else _message(item) for item in value]
            if any(texts):
                return "; ".join(text for text in texts if text)
    return ""
