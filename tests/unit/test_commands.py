"""What the commands hand to the plays, and what they say where there is no platform yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")
    }
    return subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env=inherited | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_inventory_names_the_platform_unless_the_user_does() -> None:
    assert "platform_name" not in make("-n", "down", "ARGS=-i inventory/existing").stdout
    assert "platform_name=mine" in make("-n", "down", "PLATFORM=mine").stdout


@pytest.mark.parametrize("command", ["status", "logs SERVICE=graph-gateway", "demo"])
def test_a_command_without_a_platform_names_the_next_one(command: str, tmp_path: Path) -> None:
    told = make(*command.split(), XDG_STATE_HOME=str(tmp_path))
    assert told.returncode != 0
    (sentence,) = [line for line in told.stderr.splitlines() if not line.startswith("make")]
    assert sentence.startswith("There is no platform trackunit on this machine: ")
    assert str(tmp_path) in sentence
    assert sentence.endswith("Bring it up first: make up (with PLATFORM and ARGS as here).")
    assert told.stdout == ""


def test_an_existing_cluster_is_asked_for_by_its_kubeconfig(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "kubeconfig")
    told = make("status", "ARGS=-i inventory/existing", KUBECONFIG=nowhere)
    assert f"{nowhere} does not exist. Set KUBECONFIG to the file" in told.stderr


@pytest.mark.parametrize(
    "play",
    [
        *("verify", "disturb", "prune"),
        *("rollback -e service=graph-gateway", "release -e service=graph-gateway"),
        "rotate -e secret=correlation-key",
    ],
)
def test_a_play_without_a_platform_names_the_next_command(play: str, tmp_path: Path) -> None:
    name, *options = play.split()
    told = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", f"playbooks/{name}.yml", *options],
        cwd=ROOT,
        env=os.environ
        | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode != 0
    text = " ".join((told.stdout + told.stderr).split())
    assert "There is no platform trackunit on this machine: " in text
    assert "Bring it up first: make up" in text
    assert "localhost:8080" not in text
    assert "Traceback" not in text
    assert not any(tmp_path.iterdir())
