"""gunicorn, started from here: one process, a thread for each request and each WebSocket."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from graph_gateway.bootstrap import Gateway


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's own lines go where everything else is logged."""

    def setup(self, cfg: Any) -> None:
        self.loglevel = logging.INFO
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True
        self.access_log.disabled = True


class _Worker(ThreadWorker):  # type: ignore[misc]
    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        # Not here: a signal handler must not wait.
        threading.Thread(target=self.app.gateway.drain, name="drain", daemon=True).start()


class Server(BaseApplication):  # type: ignore[misc]
    """``make`` is called in the worker process, where threads and connections may be started."""

    def __init__(
        self,
        make: Callable[[], Gateway],
        *,
        port: int,
        threads: int,
        shutdown_timeout: int,
        host: str = "0.0.0.0",  # noqa: S104 - inside a pod
    ) -> None:
        self._make = make
        self._options = {
            "bind": f"{host}:{port}",
            "workers": 1,
            "threads": threads,
            # Every connection held open counts, not only those that a thread works on.
            "worker_connections": threads + 1000,
            "worker_class": f"{__name__}._Worker",
            "worker_tmp_dir": "/dev/shm",  # noqa: S108 - a heartbeat file that must not wait for a disk
            "graceful_timeout": shutdown_timeout,
            "timeout": 30,
            # Longer than the proxy in front keeps idle connections (oauth2-proxy: 90 s), so that it
            # never sends a request into one that is just being closed.
            "keepalive": 120,
            "logger_class": f"{__name__}._Log",
            "control_socket_disable": True,
            "worker_exit": self._on_exit,
        }
        self.gateway: Gateway | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        self.gateway = self._make()
        self.gateway.start()
        return self.gateway.app

    def _on_exit(self, _server: Any, _worker: Any) -> None:
        if self.gateway is not None:
            self.gateway.stop()
