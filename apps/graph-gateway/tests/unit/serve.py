"""The gateway under gunicorn with fakes, as a process of its own; prints a token when it serves."""

import socket
import sys
import threading
import time

from conftest import ENVIRONMENT, World  # type: ignore[attr-defined]  # the one beside this
from graph_gateway.server import Server
from tu_common import logs


def main() -> None:
    world = World(port=int(sys.argv[1]))
    logs.configure("graph-gateway", stream=sys.stderr)

    def announce() -> None:
        while True:
            try:
                socket.create_connection(("127.0.0.1", world.port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        print(world.issuer.token(), flush=True)

    threading.Thread(target=announce, daemon=True).start()
    Server(
        lambda: world.gateway(**ENVIRONMENT),
        host="127.0.0.1",
        port=world.port,
        threads=20,
        shutdown_timeout=10,
    ).run()


if __name__ == "__main__":
    main()
