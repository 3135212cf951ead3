"""A backend for a door under test: it answers everything and remembers what it was asked."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Seen:
    """What a backend got."""

    target: str
    headers: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found.lower() == name.lower()]


@dataclass
class Backend:
    """Where it listens, and what came through the door."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Backend]:
    """A backend that answers with headers of its own, as a careless one does.

    Below /says it also says what the door would say; below /reset it goes away without an answer.
    """
    backend = Backend()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            backend.seen.append(Seen(self.path, self.headers.items()))
            if self.path.startswith("/reset"):
                self.connection.close()
                return
            self.send_response(200)
            self.send_header("X-Powered-By", "a backend")
            if self.path.startswith("/says"):
                self.send_header("X-Correlation-ID", "the-backends-own")
                self.send_header("Strict-Transport-Security", "max-age=31536000")
                self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_POST = do_PUT = do_GET  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    backend.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield backend
    finally:
        server.shutdown()
        server.server_close()
