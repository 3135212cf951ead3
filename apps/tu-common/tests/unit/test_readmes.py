"""The apps' READMEs say what the settings' own descriptions say."""

import subprocess
import sys
from pathlib import Path

import pytest

APPS = Path(__file__).parents[3]
PACKAGES = sorted(file.parent for file in APPS.glob("*/pyproject.toml"))
OUTLINE = ["What it does", "What it reads and writes", "Settings", "Tests"]


def test_the_settings_tables_are_up_to_date() -> None:
    command = [sys.executable, APPS / "readme_settings.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("app", PACKAGES, ids=lambda app: app.name)
def test_each_service_is_described_in_the_same_order(app: Path) -> None:
    text = (app / "README.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    if (app / "Dockerfile").exists():
        assert [heading for heading in headings if heading in OUTLINE] == OUTLINE
    else:
        # What is no service has its settings and its tests described under the same names.
        assert {"Settings", "Tests"} <= set(headings)
