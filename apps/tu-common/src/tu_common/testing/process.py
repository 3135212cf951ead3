"""A service as a process of its own, as its container runs it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self


class ServiceProcess:
    def __init__(self, module: str, environment: Mapping[str, str], folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._command = [sys.executable, "-m", module]
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HTTP_PORT": str(self.port),
            **environment,
        }
        self._log = folder / f"{module}-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        # Shown with a failed test only.
        sys.stderr.write(self.log())

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def ready(self) -> bool:
        return self._answers("/health/ready")

    def live(self) -> bool:
        return self._answers("/health/live")

    def terminate(self, timeout: float = 30) -> int:
        """End it as Kubernetes does; its exit code."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = 30) -> int:
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.wait(timeout)

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False
