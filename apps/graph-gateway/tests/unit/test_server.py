"""The real web server in a process of its own: it serves both transports and leaves in order."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest


@dataclass
class Running:
    process: "subprocess.Popen[str]"
    log: IO[str]
    token: str


@pytest.fixture
def running(world: Any, tmp_path: Path) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        world.port = free.getsockname()[1]
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("serve.py")), str(world.port)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        yield Running(process, log, process.stdout.readline().strip())
        process.kill()
        process.wait()


def test_it_serves_and_on_sigterm_sends_sockets_away_and_ends(
    running: Running, world: Any, dial: Callable[..., Any]
) -> None:
    bearer = f"Bearer {running.token}"
    assert world.post("{ ping }", authorization=bearer).json() == {"data": {"ping": "pong"}}
    clients = [dial(world.port, bearer).init() for _ in range(5)]
    for client in clients:
        client.subscribe("1", "subscription { onAnalysisStarted { objectKey } }")
        client.settle()
    clients.pop().close()
    running.process.send_signal(signal.SIGTERM)
    assert [client.closes_with() for client in clients] == [1001] * 4
    assert running.process.wait(60) == 0
    running.log.seek(0)
    log = running.log.read()
    assert "Traceback" not in log
    assert running.token not in log
    assert all(line.startswith("{") for line in log.splitlines()), log
