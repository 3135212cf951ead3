"""Given secrets reach the roles as they were given, and are kept and shown nowhere."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

ALICE = "given to alice: '\""
# Were a module handed this to hide it, every secret with this letter in it would come back masked.
KAFKA = "a"
VAULTED = "given in a vault, which nobody else can open"

PLAY = """
- name: Use the secrets
  hosts: localhost
  gather_facts: false
  roles:
    - trackunit.platform.credentials
  tasks:
    - name: Write what a role would use
      ansible.builtin.copy:
        dest: "{{ platform_state_dir }}/used.json"
        content: "{{ credentials_secrets | to_json }}"
        mode: "0600"
      no_log: true
"""


class Run:
    """A play with given secrets, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.password = folder / "vault-password"
        self.password.write_text("of the test", encoding="utf-8")
        (folder / "play.yml").write_text(PLAY, encoding="utf-8")
        (folder / "settings.yml").write_text(
            f"platform_state_dir: {self.state}\n"
            "identity_provider: keycloak\n"
            "credentials_given:\n"
            f"  keycloak-user-alice: {json.dumps(ALICE)}\n"
            f"  kafka-sasl: {json.dumps(KAFKA)}\n"
            f"  correlation-key: {self._vaulted()}\n",
            encoding="utf-8",
        )
        # As talkative as a user may make it: nothing that is secret may come out.
        self.first, self.second = self.play("-vvv"), self.play()

    def _vaulted(self) -> str:
        return self._call("ansible-vault", "encrypt_string", given=VAULTED)

    def play(self, *options: str) -> str:
        play, settings = self.folder / "play.yml", self.folder / "settings.yml"
        return self._call("ansible-playbook", *options, "-e", f"@{settings}", str(play))

    def _call(self, program: str, *arguments: str, given: str = "") -> str:
        result = subprocess.run(
            [BIN / program, *arguments, "--vault-password-file", self.password],
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def read(self, name: str) -> Any:
        return json.loads((self.state / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("credentials"))


def test_roles_are_handed_what_was_given(run: Run) -> None:
    used = run.read("used.json")
    assert used["keycloak-user-alice"] == ALICE
    assert used["kafka-sasl"] == KAFKA
    assert used["correlation-key"] == VAULTED
    assert run.read("test-users.json")["users"][0] == {"username": "alice", "password": ALICE}


def test_the_others_are_generated_and_come_unmasked(run: Run) -> None:
    used = run.read("used.json")
    kept = {file.name: file.read_text().strip() for file in (run.state / "secrets").iterdir()}
    assert "rabbitmq-admin" in kept
    assert kept.keys() == used.keys() - {"keycloak-user-alice", "kafka-sasl", "correlation-key"}
    assert kept == {name: used[name] for name in kept}
    assert stat.S_IMODE(run.state.stat().st_mode) == 0o700


def test_no_secret_is_printed(run: Run) -> None:
    secrets = set(run.read("used.json").values()) - {KAFKA}
    assert "Use the secrets" in run.first
    assert [secret for secret in secrets if secret in run.first] == []


def test_the_second_run_changes_nothing(run: Run) -> None:
    assert " changed=0 " in run.second
