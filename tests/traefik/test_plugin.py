"""The real Traefik with what role front_door writes, before a backend that remembers."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.backend import Backend, listening
from tests.support.door import ROOT, render

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MIDDLEWARES = ["correlation-id", "security-headers"]

# What the door must not let through: headers by which a proxy tells a backend who asks for what.
SPOOFED = [
    *("Forwarded", "X-Original-URL", "X-Rewrite-URL", "GAP-Auth", "X-Auth-Request-User"),
    *("X-Forwarded-User", "X-Forwarded-Uri", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"),
    *("X_Real_IP", "X_Correlation_ID", "X.Real.IP", "X_Forwarded_For"),
]


@dataclass(frozen=True)
class Traefik:
    """A running one, and the backend behind it."""

    port: int
    backend: Backend
    process: subprocess.Popen[bytes]

    def ask(self, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("__", "-"): value for name, value in headers.items()}
        connection.request(method, "/graphql", headers=named)
        answer = connection.getresponse()
        answer.read()
        return answer


@pytest.fixture(scope="module")
def binary() -> Path:
    """Traefik as the platform runs it, made where it is missing."""
    builder = [sys.executable, "-m", "supply.builder", "--source", "packages"]
    subprocess.run([*builder, "build", "traefik-binary"], cwd=ROOT, check=True, capture_output=True)
    found = subprocess.run(
        [*builder, "resolve"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    folders: dict[str, str] = json.loads(found.stdout)["supply_folders"]
    return Path(folders["traefik-binary"]) / "bin" / "traefik"


@pytest.fixture(scope="module")
def traefik(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traefik]:
    with running(binary, tmp_path_factory) as found:
        yield found


def transport(values: dict[str, Any]) -> list[str]:
    """What the chart makes of the entry point's transport."""
    said = values["ports"]["websecure"]["transport"]
    pairs = {f"lifeCycle.{key}": value for key, value in said["lifeCycle"].items()}
    pairs["keepAliveMaxTime"] = said["keepAliveMaxTime"]
    return [f"--entryPoints.websecure.transport.{key}={value}" for key, value in pairs.items()]


@contextmanager
def running(
    binary: Path, tmp_path_factory: pytest.TempPathFactory, **settings: str
) -> Iterator[Traefik]:
    """The door's file and plugin; its TLS is left out, and one route is put in for an Ingress."""
    folder = tmp_path_factory.mktemp("traefik")
    rendered = render(
        tmp_path_factory.mktemp("door"), ingress_controller_name="traefik", **settings
    )
    mounts = {volume["name"]: volume["mountPath"] for volume in rendered.traefik["volumes"]}
    plugin = folder / mounts["front-door-correlation"].lstrip("/")
    plugin.mkdir(parents=True)
    for name in (".traefik.yml", "correlation.go"):
        (plugin / name).write_text(rendered.files["traefik"][name], encoding="utf-8")
    dynamic = yaml.safe_load(rendered.files["traefik"]["front-door.yml"])
    del dynamic["tls"], dynamic["http"]["routers"]["nowhere"]["tls"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with listening() as backend:
        url = f"http://127.0.0.1:{backend.port}"
        dynamic["http"]["services"] = {"backend": {"loadBalancer": {"servers": [{"url": url}]}}}
        dynamic["http"]["routers"]["ingress"] = {
            "rule": "PathPrefix(`/graphql`)",
            "service": "backend",
            "middlewares": MIDDLEWARES,
        }
        (folder / "front-door.yml").write_text(yaml.safe_dump(dynamic), encoding="utf-8")
        arguments = [
            argument.replace("/etc/traefik/dynamic", str(folder))
            for argument in rendered.traefik["additionalArguments"]
        ]
        address = f"--entryPoints.websecure.address=127.0.0.1:{port}"
        with (folder / "log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [binary, address, *arguments, *transport(rendered.traefik)],
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            found = Traefik(port, backend, process)
            deadline = time.monotonic() + 60
            while not ready(found):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail((folder / "log").read_text(encoding="utf-8"))
                time.sleep(0.1)
            yield found
        finally:
            process.terminate()
            process.wait(60)


def ready(traefik: Traefik) -> bool:
    """Whether it listens and has read its file."""
    try:
        return traefik.ask().status == 200
    except OSError:
        return False


def test_an_id_is_made_and_passed_on(traefik: Traefik) -> None:
    traefik.backend.seen.clear()
    made = traefik.ask().getheader("X-Correlation-ID")
    assert made and UUID.fullmatch(made)
    assert traefik.backend.seen[0].all("X-Correlation-ID") == [made]


@pytest.mark.parametrize("given", ["0a1b-2", "A.b_c:d-e", "x" * 128])
def test_a_sane_one_is_kept(traefik: Traefik, given: str) -> None:
    traefik.backend.seen.clear()
    assert traefik.ask(X__Correlation__ID=given).getheader("X-Correlation-ID") == given
    assert traefik.backend.seen[0].all("X-Correlation-ID") == [given]


@pytest.mark.parametrize("given", ["a b", "-a", "x" * 129, '"><script>', "${jndi:x}"])
def test_rubbish_is_replaced(traefik: Traefik, given: str) -> None:
    traefik.backend.seen.clear()
    made = traefik.ask(X__Correlation__ID=given).getheader("X-Correlation-ID")
    assert made and UUID.fullmatch(made)
    assert traefik.backend.seen[0].all("X-Correlation-ID") == [made]


@pytest.mark.parametrize("name", SPOOFED)
def test_no_backend_is_told_who_asks(traefik: Traefik, name: str) -> None:
    traefik.backend.seen.clear()
    traefik.ask(**{name: "spoofed"})
    assert "spoofed" not in [value for _, value in traefik.backend.seen[0].headers]


def test_no_trace(traefik: Traefik) -> None:
    traefik.backend.seen.clear()
    assert traefik.ask("TRACE").status == 405
    assert traefik.backend.seen == []


def ask_until_sent_away(traefik: Traefik, begun: threading.Barrier, lost: list[str]) -> None:
    """Ask over one kept connection; no new one goes to a pod whose address is withdrawn."""
    connection = http.client.HTTPConnection("127.0.0.1", traefik.port, timeout=30)
    connection.connect()
    begun.wait()
    kept = True
    while kept:
        try:
            connection.request("GET", "/graphql")
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            lost.append(repr(error))
            return
        answer.read()
        kept = answer.getheader("Connection") != "close"


def test_a_pod_that_stops_loses_no_request_of_a_kept_connection(
    binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lost: list[str] = []
    quicker = {"traefik_accept_grace_timeout": "4s", "traefik_keep_alive_max_time": "3s"}
    with running(binary, tmp_path_factory, **quicker) as traefik:
        begun = threading.Barrier(17)
        askers = [
            threading.Thread(target=ask_until_sent_away, args=(traefik, begun, lost))
            for _ in range(16)
        ]
        for asker in askers:
            asker.start()
        begun.wait()
        traefik.process.terminate()
        for asker in askers:
            asker.join()
    assert lost == []
