"""oauth2-proxy starts once its issuer can be read; before, it would end and be restarted."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pod_security import restricted
from tests.upstream.values import templated

ROOT = Path(__file__).parents[2]
SCRIPT = (ROOT / "roles/oauth2_proxy/files/wait_for_issuer.py").read_text(encoding="utf-8")


def test_it_waits_until_the_issuer_answers_under_its_own_name() -> None:
    answers: list[tuple[int, object]] = []

    class Issuer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.pop(0)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with http.server.HTTPServer(("127.0.0.1", 0), Issuer) as server:
        issuer = f"http://127.0.0.1:{server.server_port}/realms/trackunit"
        answers += [(503, b""), (503, b""), (200, b"<html>"), (200, {"issuer": "https://other"})]
        answers += [(200, {"issuer": issuer})]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"ISSUER": issuer, "SECONDS_BETWEEN": "0", "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=True,
        )
        server.shutdown()
    assert answers == []
    # Each reason once, however often it is met.
    said = done.stderr.splitlines()
    assert [line.startswith("waiting: ") for line in said] == [True] * 3
    assert "503" in said[0]
    assert "another issuer: https://other" in said[2]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    images = {
        "oauth2-proxy": "trackunit.local/oauth2-proxy:1",
        "python": "trackunit.local/python:1",
    }
    folder = tmp_path_factory.mktemp("values")
    return templated(["oauth2_proxy"], {"here": images}, folder)["here"]["oauth2_proxy"]


def test_the_wait_comes_before_with_no_right_of_its_own(values: dict[str, Any]) -> None:
    (wait,) = values["extraInitContainers"]
    assert wait["args"] == [SCRIPT.rstrip("\n")]
    assert wait["image"] == "trackunit.local/python:1"
    env = {one["name"]: one["value"] for one in wait["env"]}
    assert env["ISSUER"] == "https://login.graphql.local/realms/trackunit"
    (mount,) = wait["volumeMounts"]
    assert env["CA_FILE"].startswith(mount["mountPath"] + "/")
    assert mount["name"] in {volume["name"] for volume in values["extraVolumes"]}
    pod = {
        "securityContext": values["podSecurityContext"],
        "initContainers": values["extraInitContainers"],
        "volumes": values["extraVolumes"],
    }
    assert restricted(pod) == []
    assert wait["securityContext"]["readOnlyRootFilesystem"] is True
    assert wait["resources"]["limits"]["memory"]


def test_our_chart_starts_it() -> None:
    chart = ROOT / "charts/oauth2-proxy"
    assert "with .Values.extraInitContainers" in (chart / "templates/deployment.yaml").read_text()
    assert yaml.safe_load((chart / "values.yaml").read_text())["extraInitContainers"] == []


def test_the_issuer_s_name_is_made_known_before_the_parts_are_installed() -> None:
    """CoreDNS takes a changed configuration up to two minutes late: the parts start meanwhile."""
    plays = yaml.safe_load((ROOT / "playbooks/platform.yml").read_text())
    before, after = plays
    known = [task["ansible.builtin.include_role"]["tasks_from"] for task in before["tasks"]]
    assert known == ["coredns"]
    roles = [role["role"].rpartition(".")[2] for role in after["roles"]]
    assert roles.index("front_door") < roles.index("oauth2_proxy")
