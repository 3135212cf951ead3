"""Containers for the length of a test session, by the Docker command line."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

from supply.contracts import Contract, load

ROOT = Path(__file__).parents[2]
REGISTRY_NAME = "trackunit.local"
"""Begins the names of images that are made here."""

LABEL = "platform.trackunit.tests"
"""Carries the process id of the session that a container belongs to."""

T = TypeVar("T")


def docker(*arguments: str, check: bool = True) -> str:
    """Run a docker command and give what it printed; its error text is in the exception."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout + ("" if check else done.stderr)


@cache
def images() -> dict[str, str]:
    """Image references by part, as the supply catalog resolves them.

    TRACKUNIT_TEST_IMAGES, a JSON object of the same shape, takes the place of parts of it: to try
    an image that is not in the catalog yet.
    """
    python = ROOT / ".venv" / "bin" / "python"
    resolved = subprocess.run(
        [
            str(python) if python.exists() else sys.executable,
            *("-m", "supply.builder", "resolve"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if resolved.returncode != 0:
        raise RuntimeError(f"the supply catalog does not resolve: {resolved.stderr.strip()}")
    found: dict[str, str] = json.loads(resolved.stdout)["supply_images"]
    found.update(json.loads(os.environ.get("TRACKUNIT_TEST_IMAGES", "{}")))
    return found


def readable(file: Path, content: str) -> Path:
    """Write a file that another user can read in a container."""
    file.write_text(content, encoding="utf-8")
    file.chmod(0o644)
    return file


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], T], timeout: float = 240, every: float = 0.5) -> T:
    """Call ``condition`` until it returns without an exception; the last one is the reason."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return condition()
        except Exception as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} within {timeout:.0f} s: {error!r}") from error
            time.sleep(every)


@dataclass
class Container:
    """One running container. ``ports`` maps its ports to those of 127.0.0.1."""

    name: str
    image: str
    ports: dict[int, int] = field(default_factory=dict)

    def logs(self, tail: int = 100, since: float | None = None) -> str:
        after = ["--since", f"{since:.3f}"] if since else []
        return docker("logs", "--tail", str(tail), *after, self.name, check=False)

    def exec(self, *command: str) -> str:
        return docker("exec", self.name, *command)

    def stop(self, seconds: int = 10) -> None:
        docker("stop", "--time", str(seconds), self.name)

    def kill(self) -> None:
        docker("kill", self.name)

    def start(self) -> None:
        docker("start", self.name)

    def pause(self) -> None:
        docker("pause", self.name)

    def unpause(self) -> None:
        docker("unpause", self.name)

    def alive(self) -> None:
        state = docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", self.name)
        if not state.startswith(("running", "created", "paused")):
            pytest.fail(f"container {self.name} is {state.strip()}; its log:\n{self.logs()}")

    def wait(self, what: str, condition: Callable[[], T], timeout: float = 240) -> T:
        def unless_dead() -> T:
            self.alive()
            return condition()

        try:
            return wait_for(what, unless_dead, timeout)
        except TimeoutError as error:
            pytest.fail(f"{error}; the log of {self.name}:\n{self.logs()}")


_running: dict[str, Container] = {}


def running() -> list[Container]:
    return list(_running.values())


def sweep() -> None:
    """Remove containers and volumes of sessions that ended without cleaning up."""
    of_label = ["--filter", f"label={LABEL}", "--format"]
    label = f'{{{{.Label "{LABEL}"}}}}'
    for kind, ls, remove in (
        ("ID", ["ps", "--all"], ["rm", "--force", "--volumes"]),
        ("Name", ["volume", "ls"], ["volume", "rm", "--force"]),
    ):
        listed = docker(*ls, *of_label, f"{{{{.{kind}}}}} {label}")
        for line in listed.splitlines():
            identity, _, process = line.partition(" ")
            if not Path(f"/proc/{process}").exists():
                docker(*remove, identity, check=False)


def have(image: str) -> None:
    """Fail unless the engine has the image, after a pull where it is a public one."""
    if docker("image", "ls", "--quiet", image).strip():
        return
    if image.startswith(f"{REGISTRY_NAME}/"):
        pytest.fail(f"image {image} is not here: run `make supply`")
    try:
        docker("pull", "--quiet", image)
    except RuntimeError as error:
        pytest.fail(f"image {image} is not here and cannot be pulled: {error}")


@cache
def contracts() -> dict[str, Contract]:
    """What each image must do, and no container here asks for more."""
    return load()


@contextlib.contextmanager
def _volumes(image: str, terms: Contract, name: str) -> Iterator[list[str]]:
    """Arguments for the paths that the image writes: volumes that its user owns.

    A volume begins as what the image has at its path, as in a pod that copies it there.
    """
    paths = [path for path in terms.writes if path != "/tmp"]
    mounts = []
    try:
        for number, path in enumerate(paths):
            docker("volume", "create", "--label", f"{LABEL}={os.getpid()}", f"{name}-{number}")
            mounts += ["--volume", f"{name}-{number}:{path}"]
        if paths:
            owner = ["-R", f"{terms.user}:{terms.user}", *paths]
            docker("run", "--rm", "--user=0", "--entrypoint=chown", *mounts, image, *owner)
        if "/tmp" in terms.writes:
            mounts += ["--tmpfs", "/tmp:exec,mode=1777"]
        yield mounts
    finally:
        for number in range(len(paths)):
            docker("volume", "rm", "--force", f"{name}-{number}", check=False)


@contextlib.contextmanager
def container(
    part: str,
    *,
    ports: dict[int, int],
    environment: dict[str, str] | None = None,
    files: dict[str, Path] | None = None,
    entry: str = "",
    command: Sequence[str] = (),
) -> Iterator[Container]:
    """The image of ``part`` under its contract, with ``files`` (target: source) mounted in it.

    As in a pod: the contract's user, a read-only root file system, no capability, volumes at the
    paths that the contract names. ``entry`` takes the place of the image's own.
    """
    image = images()[part]
    terms = contracts()[part]
    have(image)
    sweep()
    name = f"trackunit-tests-{part}-{os.getpid()}"
    arguments = ["create", "--name", name, "--label", f"{LABEL}={os.getpid()}"]
    arguments += ["--user", f"{terms.user}:{terms.user}", "--read-only", "--cap-drop", "ALL"]
    arguments += ["--security-opt", "no-new-privileges"]
    for inside, outside in ports.items():
        arguments += ["--publish", f"127.0.0.1:{outside}:{inside}"]
    for key, value in (environment or {}).items():
        arguments += ["--env", f"{key}={value}"]
    for target, source in (files or {}).items():
        arguments += ["--volume", f"{source}:{target}:ro"]
    if entry:
        arguments += ["--entrypoint", entry]
    made = Container(name, image, ports)
    with _volumes(image, terms, name) as mounts:
        docker(*arguments, *mounts, image, *command)
        try:
            docker("start", name)
            _running[part] = made
            yield made
        finally:
            _running.pop(part, None)
            docker("rm", "--force", "--volumes", name, check=False)
