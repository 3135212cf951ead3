"""GraphQL over HTTP: the platform's operations, and what its errors mean."""

from typing import Any

import httpx

from client_console.asking import Notice, Patience, persistently, send
from client_console.config import Config
from client_console.errors import (
    ClientError,
    ForbiddenError,
    LoginError,
    RefusedError,
    UnavailableError,
)
from client_console.oidc import Identity

PING = "query Ping { ping }"
START_UPLOAD = """
mutation StartUpload($filename: String!, $contentType: String!) {
  startUpload(filename: $filename, contentType: $contentType) {
    correlationId
    imageUploadPayload { uploadId key putUrl expiresAt }
  }
}"""
CONFIRM_UPLOAD = """
mutation ConfirmUpload($uploadId: String!, $bytes: Int!, $checksum: String!) {
  confirmUpload(uploadId: $uploadId, bytes: $bytes, checksum: $checksum) { status }
}"""
REQUEST_ANALYSIS = """
mutation RequestAnalysis($objectKey: String!) {
  requestAnalysis(objectKey: $objectKey) { correlationId }
}"""
STARTED = """
subscription Started($correlationId: String) {
  onAnalysisStarted(correlationId: $correlationId) { objectKey correlationId }
}"""
COMPLETED = """
subscription Completed($correlationId: String, $objectKey: String) {
  onAnalysisCompleted(correlationId: $correlationId, objectKey: $objectKey) {
    success
    objectKey
    correlationId
    recognitionPayload {
      provider { name apiVersion featureset maxResults }
      aggregate { brand type model confidence isConfident typeConfidence typeSource name }
    }
  }
}"""

_LOGIN = "Run `client-console login`."


class GraphQL:
    """Runs operations at the endpoint with a fresh token."""

    def __init__(
        self,
        config: Config,
        http: httpx.AsyncClient,
        identity: Identity,
        notice: Notice,
        patience: Patience,
    ) -> None:
        self._config = config
        self._http = http
        self._identity = identity
        self._notice = notice
        self._patience = patience

    async def run(self, document: str, **variables: object) -> dict[str, Any]:
        """The operation's data. Every operation of the platform may be asked twice: at worst a
        second upload is begun and never used, or the same event is announced again."""

        async def once() -> dict[str, Any]:
            token = await self._identity.token()
            response = await self._post(token, document, variables)
            if response.status_code == httpx.codes.UNAUTHORIZED:
                # Expired on its way, or the issuer has new keys: a new token once, then give up.
                token = await self._identity.token(rejected=token)
                response = await self._post(token, document, variables)
            return _data(response)

        return await persistently(once, self._config.host, self._notice, self._patience)

    async def _post(self, token: str, document: str, variables: object) -> httpx.Response:
        request = self._http.build_request(
            "POST",
            self._config.endpoint,
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {token}"},
        )
        return await send(self._http, request)


def refusal(errors: Any) -> ClientError:
    """The exception for a GraphQL ``errors`` list."""
    first = errors[0] if isinstance(errors, list) and errors else {}
    if not isinstance(first, dict):
        first = {}
    message = str(first.get("message") or "no reason given").rstrip(".") + "."
    extensions = first.get("extensions")
    code = str(extensions.get("code") or "") if isinstance(extensions, dict) else ""
    if code == "UNAUTHENTICATED":
        return LoginError(f"{message} {_LOGIN}", code)
    if code == "FORBIDDEN":
        return ForbiddenError(message, code)
    if "UNAVAILABLE" in code:
        return UnavailableError(message, code)
    return RefusedError(f"The platform refuses: {message}", code or "REFUSED")


def _data(response: httpx.Response) -> dict[str, Any]:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise LoginError(f"The platform does not take your token. {_LOGIN}")
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("errors"):
        raise refusal(body["errors"])
    if response.status_code == httpx.codes.FORBIDDEN:
        raise ForbiddenError(
            "Your token lacks the scope for this. Is `scope` in client.json right? " + _LOGIN
        )
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise UnavailableError(f"{response.url.host} answers 429: too many requests.")
    if not response.is_success or not isinstance(body, dict) or "data" not in body:
        raise RefusedError(
            f"{response.url.host} answers {response.status_code}, not GraphQL. Is `endpoint` in"
            " client.json right?"
        )
    data: dict[str, Any] = body["data"]
    return data
