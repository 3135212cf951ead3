"""The entrypoint of svc-new."""

import logging

from svc_new.bootstrap import build
from svc_new.settings import SERVICE, Settings
from tu_common import logs
from tu_common.settings import describe, load_or_exit


def main() -> int:
    settings = load_or_exit(Settings)
    logs.configure(SERVICE, settings.log_level)
    logging.getLogger(__name__).info("starting", extra={"settings": describe(settings)})
    return build(settings).run()


if __name__ == "__main__":
    raise SystemExit(main())
