"""Health and metrics over HTTP, for Flask apps as a blueprint and for consumers as a small server.

Liveness says that a restart would not help; readiness says that work can be done now.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

Check = Callable[[], bool]

_log = logging.getLogger(__name__)


class Health:
    """Named readiness and liveness checks; a check that raises counts as failed."""

    def __init__(
        self,
        ready: Mapping[str, Check] | None = None,
        live: Mapping[str, Check] | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._ready = dict(ready or {})
        self._live = dict(live or {})
        self._registry = registry
        self._draining = threading.Event()

    def add(self, name: str, check: Check) -> None:
        """Add a readiness check."""
        self._ready[name] = check

    def drain(self) -> None:
        """From now on not ready: the service is going away."""
        self._draining.set()

    def live(self) -> tuple[bool, dict[str, bool]]:
        return _evaluate(self._live)

    def ready(self) -> tuple[bool, dict[str, bool]]:
        good, checks = _evaluate(self._ready)
        if self._draining.is_set():
            return False, {**checks, "draining": False}
        return good, checks

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path; 404 for one that is not known."""
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        if path in ("/health/live", "/health/ready"):
            good, checks = self.live() if path == "/health/live" else self.ready()
            body = {"status": "ok" if good else "unavailable", "checks": checks}
            return (200 if good else 503), "application/json", json.dumps(body).encode()
        return 404, "application/json", b'{"status": "not found"}'

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("health", __name__)
        for path in ("/health/live", "/health/ready", "/metrics"):
            blueprint.add_url_rule(path, path.replace("/", "_"), self._view(path))
        return blueprint

    def _view(self, path: str) -> Callable[[], Response]:
        def view() -> Response:
            status, content_type, body = self.answer(path)
            return Response(body, status=status, content_type=content_type)

        return view

    def serve(self, port: int, host: str = "") -> "HealthServer":
        """Serve on every interface in a background thread; port 0 takes a free one."""
        return HealthServer(self, host, port)


class HealthServer:
    def __init__(self, health: Health, host: str, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content_type, body = health.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                _log.debug(format, *args)

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _evaluate(checks: Mapping[str, Check]) -> tuple[bool, dict[str, bool]]:
    results = {}
    for name, check in checks.items():
        try:
            results[name] = bool(check())
        except Exception as error:
            _log.warning("check %s failed: %s", name, error)
            results[name] = False
    return all(results.values()), results
