"""The real Kong Ingress Controller against a cluster, with a recorder where Kong would be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kong.recorder import Configuration, Recorder

ROOT = Path(__file__).resolve().parents[2]
ROUTES = 3
# Four on each route, and one more on the storage's.
PLUGINS = 13
SECONDS_TO_CONFIGURE = 120


def _run(*command: str | Path) -> str:
    result = subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))}\n{result.stdout}\n{result.stderr}")
    return result.stdout


@pytest.fixture(scope="session")
def state_dir() -> Path:
    """The folder of the platform's state, with the kubeconfig of its cluster."""
    default = Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local" / "state"))
    state = Path(
        os.environ.get("TRACKUNIT_STATE_DIR", default / "trackunit-platform" / "trackunit")
    )
    if not (state / "kubeconfig").exists():
        pytest.fail(f"{state}/kubeconfig is not there: `make up`, or set TRACKUNIT_STATE_DIR")
    return state


@pytest.fixture(scope="session")
def supply() -> dict[str, Any]:
    """The controller's binary and its CRDs, built where they are missing."""
    builder = [sys.executable, "-m", "supply.builder", "--source", "packages"]
    _run(*builder, "build", "kong-ingress-controller", "kubernetes", "helm")
    resolved: dict[str, Any] = json.loads(_run(*builder, "resolve"))
    return resolved


@pytest.fixture(scope="session")
def kong_configuration(
    state_dir: Path, supply: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Configuration]:
    """What the controller posts to Kong after reading the objects that role front_door writes."""
    namespace = f"kong-test-{uuid.uuid4().hex[:6]}"
    binaries = supply["supply_binaries"]
    kubectl = [binaries["kubectl"], "--kubeconfig", str(state_dir / "kubeconfig")]
    crds = Path(supply["supply_folders"]["kong-ingress-controller"]) / "crds" / "ingress-controller"
    try:
        _run(*kubectl, "apply", "--server-side", "--kustomize", crds)
        _run(
            Path(sys.executable).parent / "ansible-playbook",
            ROOT / "tests" / "kong" / "configuration.yml",
            "--extra-vars",
            json.dumps({"platform_state_dir": str(state_dir), "kong_test_namespace": namespace}),
        )
        log = tmp_path_factory.mktemp("kong") / "controller.log"
        with Recorder() as recorder:
            yield _read(binaries["kong-ingress-controller"], state_dir, namespace, recorder, log)
    finally:
        _run(*kubectl, "delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
        _run(*kubectl, "delete", "ingressclass", "kong", "--ignore-not-found")
        _run(*kubectl, "delete", "--kustomize", crds, "--ignore-not-found", "--wait=false")


def _complete(configuration: Configuration) -> bool:
    """Whether all routes came with their plugins: the controller posts while it still reads."""
    routes = [r for service in configuration.get("services", []) for r in service.get("routes", [])]
    return len(routes) == ROUTES and len(configuration.get("plugins", [])) >= PLUGINS


def _read(
    binary: str, state_dir: Path, namespace: str, recorder: Recorder, log: Path
) -> Configuration:
    with log.open("w", encoding="utf-8") as output:
        controller = subprocess.Popen(
            [
                binary,
                f"--kubeconfig={state_dir / 'kubeconfig'}",
                f"--kong-admin-url={recorder.url}",
                f"--watch-namespace={namespace}",
                "--ingress-class=kong",
                f"--election-namespace={namespace}",
                "--update-status=false",
                "--emit-kubernetes-events=false",
                "--anonymous-reports=false",
                "--admission-webhook-listen=off",
                "--metrics-bind-address=127.0.0.1:0",
                "--health-probe-bind-address=127.0.0.1:0",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            configuration = recorder.wait_for(_complete, SECONDS_TO_CONFIGURE)
        finally:
            controller.terminate()
            controller.wait(timeout=30)
    log.with_name("configuration.json").write_text(json.dumps(configuration, indent=2))
    if not configuration:
        pytest.fail(f"the controller posted nothing; its log:\n{log.read_text(encoding='utf-8')}")
    return configuration
