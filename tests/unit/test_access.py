"""`make up` ends by saying where the platform is, how to log in and what to do next."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]


def _said(state: Path, *settings: str) -> str:
    result = ansible_playbook(
        "playbooks/access.yml",
        *("-e", f"platform_state_dir={state}"),
        *(word for setting in settings for word in ("-e", setting)),
        environment={"COLUMNS": "1000"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def _platform(state: Path) -> Path:
    client = {
        "endpoint": "https://graphql.local/graphql",
        "address": "172.18.0.9",
        "ca_file": str(state / "ca.crt"),
    }
    (state / "client.json").write_text(json.dumps(client), encoding="utf-8")
    return state


def test_a_local_issuer_has_alice_and_a_demo(tmp_path: Path) -> None:
    said = _said(_platform(tmp_path))
    assert (
        f"Endpoint https://graphql.local/graphql at 172.18.0.9\n    - CA {tmp_path}/ca.crt\n"
        in said
    )
    assert f"as alice; her password is in {tmp_path}/test-users.json" in said
    assert "172.18.0.9 graphql.local login.graphql.local storage.graphql.local" in said
    assert "Next make demo logs alice in" in said


def test_an_external_issuer_has_accounts_of_its_own(tmp_path: Path) -> None:
    settings = ("identity_provider=external", "oidc_issuer=https://issuer.example.org")
    said = _said(_platform(tmp_path), *settings, "platform_name=try")
    assert "with an account of https://issuer.example.org" in said
    assert "alice" not in said
    assert "login.graphql.local" not in said


def test_another_platform_is_named(tmp_path: Path) -> None:
    assert "make demo PLATFORM=try" in _said(_platform(tmp_path), "platform_name=try")


def test_check_mode_before_the_first_run_says_nothing(tmp_path: Path) -> None:
    assert "Endpoint" not in _said(tmp_path)


def test_it_is_how_the_whole_platform_ends() -> None:
    playbooks = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text(encoding="utf-8"))
    assert playbooks[-1]["ansible.builtin.import_playbook"] == "access.yml"
