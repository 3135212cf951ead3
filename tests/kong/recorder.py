"""Stands in for Kong's Admin API and keeps the configuration that is posted to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

Configuration = dict[str, Any]

_CATALOG = Path(__file__).parents[2] / "supply" / "catalog.yml"

# What the controller asks of a Kong before it trusts it with a configuration.
_ROOT = {
    "version": str(
        yaml.safe_load(_CATALOG.read_text(encoding="utf-8"))["parts"]["kong"]["version"]
    ),
    "configuration": {"database": "off", "router_flavor": "traditional", "role": "traditional"},
}


class Recorder:
    """An Admin API without a Kong: empty lists, any schema, and a memory for `POST /config`."""

    def __init__(self) -> None:
        self._posted: list[Configuration] = []
        self._changed = threading.Condition()
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if path == "/":
                    self._answer(200, _ROOT)
                elif path == "/status":
                    self._answer(200, {"configuration_hash": recorder.configuration_hash})
                elif path.startswith("/schemas/"):
                    self._answer(200, {"fields": [{"config": {"type": "record", "fields": []}}]})
                else:
                    self._answer(200, {"data": [], "next": None})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path.split("?")[0] == "/config":
                    recorder._keep(json.loads(body))
                self._answer(201, {})

            def _answer(self, status: int, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the controller asks every few seconds."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the controller finds this Admin API."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def configuration_hash(self) -> str:
        """All zeros mean a Kong that was never configured, as Kong has it."""
        return f"{len(self._posted):032x}"

    def _keep(self, configuration: Configuration) -> None:
        with self._changed:
            self._posted.append(configuration)
            self._changed.notify_all()

    def wait_for(self, complete: Callable[[Configuration], bool], timeout: float) -> Configuration:
        """The first complete configuration, or the last one that came in time."""

        def latest() -> Configuration:
            return self._posted[-1] if self._posted else {}

        with self._changed:
            self._changed.wait_for(lambda: complete(latest()), timeout)
            return latest()
