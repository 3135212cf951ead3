"""Entry point of the container and of ``python -m graph_gateway``."""

import logging

from graph_gateway.bootstrap import Gateway, real_adapters
from graph_gateway.server import Server
from graph_gateway.settings import Settings
from tu_common import logs
from tu_common.settings import describe, load_or_exit


def main() -> None:
    settings = load_or_exit(Settings)
    logs.configure("graph-gateway", settings.log_level)
    logging.getLogger(__name__).info("starting", extra={"settings": describe(settings)})
    Server(
        lambda: Gateway(settings, real_adapters(settings)),
        port=settings.http_port,
        threads=settings.http_threads + settings.websocket_max_connections,
        shutdown_timeout=settings.shutdown_timeout,
    ).run()


if __name__ == "__main__":
    main()
