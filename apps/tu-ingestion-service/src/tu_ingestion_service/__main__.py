"""The entrypoint: settings, logging, and gunicorn."""

import logging
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from tu_common import logs
from tu_common.settings import describe, load_or_exit
from tu_ingestion_service.bootstrap import Service, build
from tu_ingestion_service.ingestion import PRODUCER
from tu_ingestion_service.settings import Settings

log = logging.getLogger(PRODUCER)


class _Logs(Logger):  # type: ignore[misc]
    """Gunicorn's own lines in the service's format."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.handlers = []
        self.access_log.disabled = True


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._service: Service | None = None
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"0.0.0.0:{self._settings.http_port}",
            "worker_class": "gthread",
            # One process: what scales is the number of replicas, and the metrics stay whole.
            "workers": 1,
            "threads": self._settings.http_threads,
            "graceful_timeout": self._settings.http_drain_seconds,
            "timeout": 60,
            "keepalive": 30,
            # The heartbeat file: in memory, where a busy disk cannot make a worker look dead.
            "worker_tmp_dir": "/dev/shm",  # noqa: S108
            "control_socket_disable": True,
            "logger_class": _Logs,
            "worker_exit": self._on_exit,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        # In the worker, after the fork: a Kafka client does not survive one.
        self._service = build(self._settings)
        return self._service.app

    def _on_exit(self, _server: Any, _worker: Any) -> None:
        if self._service:
            self._service.close()


def main() -> None:
    settings = load_or_exit(Settings)
    logs.configure(PRODUCER, settings.log_level)
    log.info("starting", extra={"settings": describe(settings)})
    _Server(settings).run()


if __name__ == "__main__":
    main()
