"""`make verify` looks, and no more: what kills, restarts or releases is asked for by name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
DEFAULTS = yaml.safe_load((ROOT / "roles/end_to_end/defaults/main.yml").read_text())
# What changes a running platform, by the names that tests have for it.
DISTURBING = {"kill", "restart", "delete_namespaced_pod", "make"}
TESTS = sorted([*(ROOT / "tests/e2e").glob("test_*.py"), *(ROOT / "tests/door").glob("test_*.py")])


def marks(node: ast.AST) -> set[str]:
    """Names of ``pytest.mark.<name>`` in a piece of a file."""
    return {
        found.attr
        for found in ast.walk(node)
        if isinstance(found, ast.Attribute)
        and isinstance(found.value, ast.Attribute)
        and found.value.attr == "mark"
    }


def called(node: ast.AST) -> set[str]:
    names = set()
    for found in ast.walk(node):
        if isinstance(found, ast.Attribute):
            names.add(found.attr)
        elif isinstance(found, ast.Call) and isinstance(found.func, ast.Name):
            names.add(found.func.id)
    return names


def test_a_check_leaves_out_what_disturbs() -> None:
    assert DEFAULTS["end_to_end_selection"] == "not disturbs"
    verify = yaml.safe_load((ROOT / "playbooks/verify.yml").read_text())
    assert "end_to_end_selection" not in str(verify)
    disturb = yaml.safe_load((ROOT / "playbooks/disturb.yml").read_text())
    (role,) = disturb[-1]["roles"]
    assert role["vars"] == {"end_to_end_selection": "disturbs"}


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_no_test_disturbs_without_saying_so(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if called(tree) & DISTURBING:
        assert marks(tree) & {"chaos", "release", "disturbs"}


def test_markers_of_what_disturbs_bring_the_one_that_verify_leaves_out(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest((ROOT / "conftest.py").read_text().replace("pytest_plugins", "_plugins"))
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.mark.chaos\n"
        "def test_kill(): raise AssertionError\n"
        "@pytest.mark.release\n"
        "def test_release(): raise AssertionError\n"
        "@pytest.mark.disturbs\n"
        "def test_flood(): raise AssertionError\n"
        "def test_look(): pass\n"
    )
    result = pytester.runpytest_subprocess("-m", DEFAULTS["end_to_end_selection"])
    result.assert_outcomes(passed=1, deselected=3)
