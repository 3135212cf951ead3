"""The command line, installed as README.md says, in an environment that has nothing else."""

import subprocess
import sys
from pathlib import Path

APP = Path(__file__).parents[2]


def test_the_readmes_install_command_gives_a_console_script(tmp_path: Path) -> None:
    assert f"pipx install ./apps/{APP.name}" in (APP / "README.md").read_text(encoding="utf-8")
    # What pipx does: an environment of its own, and pip.
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    subprocess.run([tmp_path / "bin" / "pip", "install", "--quiet", APP], check=True)
    said = subprocess.run(
        [tmp_path / "bin" / "client-console", "--config", tmp_path / "client.json", "ping"],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert said.returncode == 2, said.stderr
    assert "client.json is missing" in said.stderr
