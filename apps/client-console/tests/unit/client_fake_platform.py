"""The platform's front door in one thread: issuer, GraphQL, storage and subscriptions over TLS."""

import contextlib
import hashlib
import http.server
import ipaddress
import json
import socket
import ssl
import threading
import time
import urllib.parse
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.frames import Opcode
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

DOMAIN = "graphql.local"
RECOGNITION = {
    "provider": {"name": "fake", "apiVersion": "1", "featureset": "text", "maxResults": 1},
    "aggregate": {
        "brand": "Volvo",
        "type": "excavator",
        "model": "EC220E",
        "confidence": 0.93,
        "isConfident": True,
        "typeConfidence": 0.9,
        "typeSource": "model",
        "name": "Volvo EC220E",
    },
}


@dataclass
class Result:
    """What one run of the command line gave."""

    exit: int
    out: str
    err: str

    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@dataclass
class FakePlatform:
    """What it was asked, and knobs for how it answers."""

    port: int
    ca_file: Path
    token_lifetime: int = 300
    pending_polls: int = 1
    success: bool = True
    recognition: dict[str, Any] | None = field(default_factory=lambda: RECOGNITION)
    silent: bool = False
    """Accepts a confirmed upload and never answers it."""
    failures: dict[str, deque[int]] = field(default_factory=dict)
    """Per operation (put, startUpload, ...): HTTP statuses to answer first; 0 cuts the line."""
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per operation: a GraphQL error."""
    close_sockets: deque[int] = field(default_factory=deque)
    """Close codes for the sockets to come, instead of an acknowledgement."""
    drop_before_result: int = 0
    """How many sockets are cut at the moment when a result would be sent."""
    requests: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Method, path, Host header and SNI of each request."""
    authorizations: list[tuple[str, str]] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[str, str]] = field(default_factory=dict)
    confirmed: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    valid_tokens: set[str] = field(default_factory=set)
    sockets: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def endpoint(self) -> str:
        return f"https://{DOMAIN}:{self.port}/graphql"

    @property
    def issuer(self) -> str:
        return f"https://login.{DOMAIN}:{self.port}/realms/trackunit"

    def config(self, folder: Path) -> Path:
        file = folder / "client.json"
        values = {
            "endpoint": self.endpoint,
            "issuer": self.issuer,
            "client_id": "trackunit-client",
            "scope": "openid",
            "address": "127.0.0.1",
            "ca_file": str(self.ca_file),
        }
        file.write_text(json.dumps(values))
        return file

    def log_in(self, folder: Path, lifetime: float = 300) -> None:
        token = self.new_token()
        values = {
            "issuer": self.issuer,
            "client_id": "trackunit-client",
            "access_token": token,
            "expires_at": time.time() + lifetime,
            "refresh_token": "refresh",
        }
        (folder / "token.json").write_text(json.dumps(values))

    def new_token(self) -> str:
        token = uuid.uuid4().hex
        self.valid_tokens.add(token)
        return token

    def announce(self, kind: str, payload: dict[str, Any]) -> None:
        with self.changed:
            self.events.append((kind, payload))
            self.changed.notify_all()

    def analyse(self, key: str, correlation_id: str) -> None:
        base = {"objectKey": key, "correlationId": correlation_id}
        self.announce("onAnalysisStarted", base)
        if not self.silent:
            payload = self.recognition if self.success else None
            self.announce(
                "onAnalysisCompleted",
                {**base, "success": self.success, "recognitionPayload": payload},
            )


@contextlib.contextmanager
def running(folder: Path) -> Iterator[FakePlatform]:
    ca_file, context = _certificates(folder)
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
            _Socket(self).serve()
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


class _Socket:
    """One WebSocket: graphql-transport-ws with replay of what already happened."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        self._platform = handler.platform
        self._line = handler.request
        self._wire = ServerProtocol(subprotocols=[Subprotocol("graphql-transport-ws")])
        self._operations: dict[str, tuple[str, dict[str, Any], int]] = {}
        self._closed = False

    def serve(self) -> None:
        handler = self._handler
        head = f"{handler.requestline}\r\n{handler.headers.as_string()}".replace("\r\n", "\n")
        self._wire.receive_data(head.strip().replace("\n", "\r\n").encode() + b"\r\n\r\n")
        (request,) = self._wire.events_received()
        self._wire.send_response(self._wire.accept(request))  # type: ignore[arg-type]
        self._flush()
        self._platform.sockets += 1
        self._line.settimeout(0.01)
        while not self._closed:
            try:
                data = self._line.recv(65536)
            except TimeoutError:
                self._push()
                continue
            if not data:
                return
            self._wire.receive_data(data)
            for frame in self._wire.events_received():
                if frame.opcode is Opcode.TEXT:  # type: ignore[union-attr]
                    self._handle(json.loads(bytes(frame.data)))  # type: ignore[union-attr]
            self._flush()
            self._closed = self._closed or self._wire.close_expected()

    def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "connection_init":
            if self._platform.close_sockets:
                self._close(self._platform.close_sockets.popleft())
            elif self._handler.token_is_valid():
                self._send({"type": "connection_ack"})
            else:
                self._close(4401)
        elif message["type"] == "subscribe":
            query = message["payload"]["query"]
            kind = next(k for k in ("onAnalysisStarted", "onAnalysisCompleted") if k in query)
            self._operations[message["id"]] = (kind, message["payload"]["variables"], 0)
        elif message["type"] == "complete":
            self._operations.pop(message["id"], None)

    def _push(self) -> None:
        for identity, (kind, wanted, position) in list(self._operations.items()):
            for found, payload in self._platform.events[position:]:
                if found != kind or any(payload[name] != value for name, value in wanted.items()):
                    continue
                if found == "onAnalysisCompleted" and self._platform.drop_before_result:
                    self._platform.drop_before_result -= 1
                    self._closed = True
                    return
                data = {"payload": {"data": {found: payload}}}
                self._send({"id": identity, "type": "next", **data})
            self._operations[identity] = (kind, wanted, len(self._platform.events))

    def _send(self, message: dict[str, Any]) -> None:
        self._wire.send_text(json.dumps(message).encode())
        self._flush()

    def _close(self, code: int) -> None:
        self._wire.send_close(code, "no")
        self._flush()
        self._closed = True

    def _flush(self) -> None:
        for data in self._wire.data_to_send():
            if data:
                self._line.sendall(data)


def _certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    now = datetime.now(UTC)

    def certificate(
        subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, *, authority: bool
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = certificate("test CA", ca_key, "test CA", authority=True).sign(
        ca_key, hashes.SHA256()
    )
    names = [
        x509.DNSName(DOMAIN),
        x509.DNSName(f"*.{DOMAIN}"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    edge = (
        certificate(DOMAIN, key, "test CA", authority=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    ca_file, chain = folder / "ca.crt", folder / "edge.pem"
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain.write_bytes(private + edge.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return ca_file, context
