"""Hosts of this machine that answer as a test says: registries, chart repositories, faults."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import json
import socket
import ssl
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LOOPBACK = ipaddress.ip_address("127.0.0.1")


@dataclass(frozen=True)
class Reply:
    """One answer. `half` sends half of the body and hangs up."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    half: bool = False


@dataclass
class Host:
    """A web server. Answers are listed by path; the last of a path's answers is repeated."""

    answers: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    # Asked before the answers: None where they shall decide.
    guard: Callable[[str, dict[str, str]], Reply | None] = lambda path, headers: None
    name: str = ""

    def say(self, path: str, *replies: Reply) -> None:
        """What a path answers, one after the other."""
        self.answers[path] = list(replies)

    def paths(self, method: str = "") -> list[str]:
        """The paths that were asked for."""
        return [path for verb, path, _ in self.asked if method in ("", verb)]

    def answer(self, path: str, headers: dict[str, str]) -> Reply:
        """The next answer of a path."""
        if guarded := self.guard(path, headers):
            return guarded
        listed = self.answers.get(path.partition("?")[0], [Reply(404)])
        return listed.pop(0) if len(listed) > 1 else listed[0]

    def image(self, repository: str, content: bytes, *, media_type: str = INDEX) -> str:
        """Have a manifest; its digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        reply = Reply(body=content, headers={"Content-Type": media_type})
        self.say(f"/v2/{repository}/manifests/{digest}", reply)
        return digest

    def chart(self, path: str, name: str, version: str, *, url: str = "") -> str:
        """Have a repository with one chart; the sha256 of its archive."""
        archive = packed_chart(name, version)
        digest = hashlib.sha256(archive).hexdigest()
        entry = {"version": version, "urls": [url or f"{name}-{version}.tgz"], "digest": digest}
        index = yaml.safe_dump({"apiVersion": "v1", "entries": {name: [entry]}})
        self.say(f"{path}/index.yaml", Reply(body=index.encode()))
        self.say(f"{path}/{name}-{version}.tgz", Reply(body=archive))
        return digest


def index_of(*architectures: str, salt: str = "") -> bytes:
    """An image index for these architectures."""
    manifests: list[dict[str, Any]] = [
        {"digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": one}}
        for one in architectures
    ]
    return json.dumps({"mediaType": INDEX, "manifests": manifests, "salt": salt}).encode()


def packed_chart(name: str, version: str) -> bytes:
    """A chart with nothing in it, the same bytes each time."""
    text = f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(f"{name}/Chart.yaml")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return archive.getvalue()


@contextmanager
def host(tls: ssl.SSLContext | None = None) -> Iterator[Host]:
    """A host for the length of a test; `name` is its address with the port."""
    made = Host()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            made.asked.append((self.command, self.path, headers.get("authorization", "")))
            reply = made.answer(self.path, headers)
            self.send_response(reply.status)
            for key, value in reply.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command == "GET":
                body = reply.body[: len(reply.body) // 2] if reply.half else reply.body
                self.wfile.write(body)
                self.close_connection = reply.half

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.name = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent_host() -> Iterator[str]:
    """The address of a host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def closed_host() -> str:
    """The address of a host where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def own_authority(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the file of the CA that nobody knows yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an unknown CA")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(LOOPBACK)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "ca.crt", folder / "tls.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context, chain
