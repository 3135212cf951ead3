"""The programs that the builder runs, and where it keeps what they make."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KEY_LABEL = "platform.trackunit.supply.key"

# The way on from something that a registry does not give.
GO_ON = 'to go on without registries: make up ARGS="-e supply=packages"'
MISSING = "What is missing is installed by: ansible-playbook playbooks/workstation.yml"


class BuildError(Exception):
    """A program failed; its output is in the part's log."""


def cache_dir() -> Path:
    """The project's cache folder."""
    given = os.environ.get("TRACKUNIT_CACHE_DIR")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "trackunit-platform"


def docker_cli() -> str:
    """The engine's own client before a newer one in PATH, whose `build` would want buildx."""
    return os.environ.get("DOCKER") or shutil.which("docker", path="/usr/bin") or "docker"


_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()


def stop_all() -> None:
    """End every program that is still running, with its children; for an interrupted build."""
    with _lock:
        for process in _running:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue


@dataclass(frozen=True)
class Shell:
    """Runs programs for one part and appends what they print to the part's log."""

    log: Path

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program to its end; BuildError when it does not exit with 0."""
        words = [str(word) for word in command]
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(words)}\n".encode())
            log.flush()
            try:
                process = subprocess.Popen(
                    words,
                    cwd=cwd,
                    env={**os.environ, **(env or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise BuildError(f"{words[0]} cannot be run ({error}). {MISSING}") from error
            with _lock:
                _running.add(process)
            try:
                code = process.wait()
            finally:
                with _lock:
                    _running.discard(process)
        if code != 0:
            raise BuildError(f"{words[0]} ended with {code}")


def image_keys() -> dict[str, str]:
    """The content key of every image that the engine has, by the image's name."""
    try:
        listing = subprocess.run(
            [docker_cli(), "image", "ls", "-q", "--filter", f"label={KEY_LABEL}"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise BuildError(f"{docker_cli()} cannot be run ({error}). {MISSING}") from error
    if listing.returncode != 0:
        raise BuildError(
            "the Docker engine does not answer: " + listing.stderr.strip() + ". "
            "Start it: ansible-playbook playbooks/workstation.yml"
        )
    identifiers = sorted(set(listing.stdout.split()))
    if not identifiers:
        return {}
    shown = subprocess.run(
        [docker_cli(), "image", "inspect", *identifiers], capture_output=True, text=True, check=True
    )
    return {
        tag: image["Config"]["Labels"][KEY_LABEL]
        for image in json.loads(shown.stdout)
        for tag in image["RepoTags"] or []
    }
