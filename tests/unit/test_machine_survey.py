"""What a machine has is asked for in one start, and what is not there is no failure."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "plugins/modules/machine_survey.py"
spec = importlib.util.spec_from_file_location("machine_survey", PLUGIN)
assert spec and spec.loader
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


def program(folder: Path, name: str, text: str = "", mode: int = 0o755) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(mode)
    return path


def test_programs_are_found_by_name_and_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    runtime = str(program(tmp_path, "runtime"))
    idle = str(program(tmp_path, "idle", mode=0o644))
    wanted = ["runtime", runtime, idle, "there-is-no-such-program"]
    assert module.found(wanted) == ["runtime", runtime]


def test_the_version_of_go_is_that_of_the_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module.go_version() == ""
    program(tmp_path, "go", '[ "$GOTOOLCHAIN" = local ] && echo go1.26.3')
    assert module.go_version() == "1.26.3"
    program(tmp_path, "go", "exit 1")
    assert module.go_version() == ""


def test_memory_is_what_linux_says(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       24576000 kB\nMemFree: 1 kB\n", encoding="ascii")
    assert module.memory_mb(meminfo) == 24000
    assert module.memory_mb(tmp_path / "missing") > 0


def test_free_space_is_that_of_folders_that_exist(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert module.free_gb([missing]) is None
    assert module.free_gb([str(tmp_path), missing]) == module.free_gb([str(tmp_path)])


def test_kernel_settings_below_their_minimum(tmp_path: Path) -> None:
    folder = tmp_path / "fs" / "inotify"
    folder.mkdir(parents=True)
    (folder / "max_user_instances").write_text("128\n", encoding="ascii")
    (folder / "max_user_watches").write_text("524288\n", encoding="ascii")
    minimums = {
        "fs.inotify.max_user_instances": "8192",
        "fs.inotify.max_user_watches": 524288,
        "fs.there_is_none": 1,
    }
    low = module.kernel_too_low(minimums, tmp_path)
    assert low == {"fs.inotify.max_user_instances": 8192}


def test_everything_is_there_for_the_role() -> None:
    survey = module.survey([], ["/"], False, {})
    assert survey["go_version"] == ""
    assert survey["processors"] >= 1
    assert set(survey) == {
        *("system", "architecture", "processors", "memory_mb", "free_gb", "found", "go_version"),
        *("kernel_too_low", "python_version", "home", "user", "root", "may_become_root"),
    }
