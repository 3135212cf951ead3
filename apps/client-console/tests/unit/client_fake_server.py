"""The platform's front door in one thread: issuer, GraphQL, storage and subscriptions over TLS."""

import contextlib
import hashlib
import http.server
import json
import socket
import ssl
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from client_fake_certificates import certificates
from client_fake_platform import DOMAIN, FakePlatform
from client_fake_socket import Socket


@contextlib.contextmanager
def running(folder: Path) -> Iterator[FakePlatform]:
    ca_file, context = certificates(folder, DOMAIN)
    platform = FakePlatform(0, ca_file)
    names: dict[int, str] = {}

    def remember(connection: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        names[id(connection)] = name or ""

    context.sni_callback = remember  # type: ignore[assignment]
    handler = type("Handler", (_Handler,), {"platform": platform, "names": names})
    server = _Server(("127.0.0.1", 0), handler)
    server.context = context
    platform.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the connection's own thread, so that one handshake does not hold up the others.
        request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests."""


class _Handler(http.server.BaseHTTPRequestHandler):
    platform: FakePlatform
    names: dict[int, str]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._note()
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.close_connection = True
            head = f"{self.requestline}\r\n{self.headers.as_string()}".replace("\r\n", "\n")
            upgrade = head.strip().replace("\n", "\r\n").encode() + b"\r\n\r\n"
            Socket(self.platform, self.request, upgrade, self.token_is_valid).serve()
        elif self.path.endswith("/.well-known/openid-configuration"):
            base = f"{self.platform.issuer}/protocol/openid-connect"
            self._answer(
                200,
                {
                    "issuer": self.platform.issuer,
                    "token_endpoint": f"{base}/token",
                    "device_authorization_endpoint": f"{base}/auth/device",
                },
            )
        else:
            self._answer(404, {})

    def do_PUT(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._fails("put"):
            self.platform.stored[self.path.split("?")[0]] = body
            self._answer(200, {})

    def do_POST(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/graphql":
            self._graphql(json.loads(body))
            return
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if self.path.endswith("/auth/device"):
            page = f"{self.platform.issuer}/device"
            self._answer(
                200,
                {
                    "device_code": "device",
                    "user_code": "ABCD-EFGH",
                    "verification_uri": page,
                    "verification_uri_complete": f"{page}?user_code=ABCD-EFGH",
                    "expires_in": 600,
                    "interval": 0.01,
                },
            )
        elif form["grant_type"] == "refresh_token" and form["refresh_token"] != "refresh":
            self._answer(400, {"error": "invalid_grant", "error_description": "Session not active"})
        elif form["grant_type"].endswith("device_code") and self.platform.pending_polls > 0:
            self.platform.pending_polls -= 1
            self._answer(400, {"error": "authorization_pending"})
        else:
            self._answer(
                200,
                {
                    "access_token": self.platform.new_token(),
                    "refresh_token": "refresh",
                    "expires_in": self.platform.token_lifetime,
                },
            )

    def token_is_valid(self) -> bool:
        return self.headers.get("Authorization", "")[7:] in self.platform.valid_tokens

    def _graphql(self, body: dict[str, Any]) -> None:
        variables = body["variables"]
        operations = ("startUpload", "confirmUpload", "requestAnalysis", "ping")
        operation = next(name for name in operations if f" {name}" in body["query"])
        if self._fails(operation):
            return
        if not self.token_is_valid():
            self._answer(401, {"errors": [{"message": "no"}]})
            return
        if refusal := self.platform.refusals.get(operation):
            self._answer(200, {"data": None, "errors": [refusal]})
            return
        self._answer(200, {"data": {operation: getattr(self, f"_{operation}")(**variables)}})

    def _ping(self) -> str:
        return "pong"

    def _startUpload(self, filename: str, contentType: str) -> dict[str, Any]:  # noqa: N802, N803
        identity, correlation_id = str(uuid.uuid4()), str(uuid.uuid4())
        key = f"images/2026/11/21/{identity}.{filename.rpartition('.')[2]}"
        self.platform.uploads[identity] = {"key": key, "correlationId": correlation_id}
        put = f"https://storage.{DOMAIN}:{self.platform.port}/tu-images/{key}?X-Amz-Signature=x"
        payload = {"uploadId": identity, "key": key, "putUrl": put, "expiresAt": "2099-01-01"}
        return {"correlationId": correlation_id, "imageUploadPayload": payload}

    def _confirmUpload(self, uploadId: str, **given: Any) -> dict[str, str]:  # noqa: N802, N803
        upload = self.platform.uploads[uploadId]
        content = self.platform.stored[f"/tu-images/{upload['key']}"]
        assert given["bytes"] == len(content)
        assert given["checksum"] == "sha256:" + hashlib.sha256(content).hexdigest()
        self.platform.confirmed.append(upload)
        self.platform.analyse(upload["key"], upload["correlationId"])
        return {"status": "Accepted"}

    def _requestAnalysis(self, objectKey: str) -> dict[str, str]:  # noqa: N802, N803
        self.platform.analyse(objectKey, "c-1")
        return {"correlationId": "c-1"}

    def _note(self) -> None:
        name = self.names.get(id(self.request), "")
        self.platform.requests.append((self.command, self.path, self.headers["Host"], name))
        self.platform.authorizations.append((self.path, self.headers.get("Authorization", "")))

    def _fails(self, operation: str) -> bool:
        failures = self.platform.failures.get(operation)
        if not failures:
            return False
        status = failures.popleft()
        if status:
            self._answer(status, {})
        else:
            self.close_connection = True
        return True

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
