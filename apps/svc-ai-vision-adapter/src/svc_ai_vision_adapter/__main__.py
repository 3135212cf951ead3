"""The entrypoint: settings, logging, health, and the consumer's loop."""

import logging
import signal
import sys
from types import FrameType

from svc_ai_vision_adapter.bootstrap import build
from svc_ai_vision_adapter.domain.catalogue import CatalogueError
from svc_ai_vision_adapter.handler import PRODUCER
from svc_ai_vision_adapter.providers import ProviderUnavailableError
from svc_ai_vision_adapter.settings import Settings
from tu_common import logs
from tu_common.settings import EXIT_CONFIG, describe, load_or_exit

log = logging.getLogger(PRODUCER)


def main() -> None:
    settings = load_or_exit(Settings)
    logs.configure(PRODUCER, settings.log_level)
    log.info("starting", extra={"settings": describe(settings)})
    try:
        service = build(settings)
    except (CatalogueError, ProviderUnavailableError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_CONFIG) from None

    def on_signal(number: int, _: FrameType | None) -> None:
        log.info("stopping", extra={"signal": signal.Signals(number).name})
        service.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    server = service.health.serve(settings.http_port)
    try:
        service.run()
    finally:
        server.close()
    log.info("stopped")


if __name__ == "__main__":
    main()
