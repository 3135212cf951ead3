"""What the preflight refuses, and what it says: only what the recipes at hand need is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


MACHINE = {
    "system": "Linux",
    "architecture": "x86_64",
    "processors": 2,
    "memory_mb": 16000,
    "free_gb": 50,
    "go_version": "",
    "python_version": "3.13.1",
    "user": "someone",
    "root": False,
    "may_become_root": False,
}


def preflight(tmp_path: Path, kinds: list[str], **machine: Any) -> str:
    """What the preflight says against a machine of this kind; empty where it says nothing."""
    play = [
        {
            "name": "Look at a machine",
            "hosts": "localhost",
            "tasks": [
                {
                    "name": "Look",
                    "ansible.builtin.include_role": {
                        "name": "trackunit.platform.workstation",
                        "tasks_from": "preflight",
                    },
                    "vars": {
                        "workstation_recipe_kinds": kinds,
                        "workstation_runs_cluster": True,
                        "workstation_cache_dir": str(tmp_path),
                        "workstation_minimum_disk_gb": 0,
                        "_workstation_bounded": False,
                        "_workstation_engine_ours": False,
                        "__workstation_machine": MACHINE | {"home": str(tmp_path)} | machine,
                        "__workstation_engine": {"host_info": {"DefaultRuntime": "runc"}},
                    },
                },
            ],
        }
    ]
    file = tmp_path / "play.yml"
    file.write_text(json.dumps(play), encoding="utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = " ".join((done.stdout + done.stderr).split())
    return "" if done.returncode == 0 else said


def test_a_machine_that_pulls_everything_needs_no_compiler(tmp_path: Path) -> None:
    assert preflight(tmp_path, ["image", "service", "binary", "download"]) == ""


def test_without_go_it_says_what_does_without(tmp_path: Path) -> None:
    said = preflight(tmp_path, ["go"])
    assert "Parts are compiled here with Go" in said
    assert "supply=registry takes everything from there" in said


@pytest.mark.parametrize("kinds", [["go"], ["image"]])
def test_macos_is_refused_with_what_to_do(tmp_path: Path, kinds: list[str]) -> None:
    said = preflight(tmp_path, kinds, system="Darwin")
    assert "on Darwin that address cannot be reached" in said
    assert "Linux virtual machine" in said


def test_arm_takes_everything_from_a_registry(tmp_path: Path) -> None:
    assert preflight(tmp_path, ["image"], architecture="aarch64") == ""
    said = preflight(tmp_path, ["image", "debian"], architecture="aarch64")
    assert "supply=registry" in said
    assert "Recipes that would have been used: debian." in said


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    assert "this is riscv64" in preflight(tmp_path, ["image"], architecture="riscv64")
