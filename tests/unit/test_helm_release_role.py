"""A release that a run left half done is repaired by the next one; a whole one is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.kubernetes_api import Api, kubernetes_api
from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]
PLAY = """
- name: Install a chart as a role does
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/kubernetes.core.k8s: {kubeconfig: "{{ kubeconfig }}"}
    group/kubernetes.core.helm: {kubeconfig: "{{ kubeconfig }}", binary_path: "{{ helm }}"}
  tasks:
    - name: Install it
      ansible.builtin.import_role:
        name: trackunit.platform.helm_release
      vars:
        helm_release_name: kafka
        helm_release_namespace: messaging
        helm_release_chart: "{{ chart }}"
        helm_release_values: {heap: 384m}
"""
# What Helm 3 does, as far as its Ansible module and a broken-off upgrade show it: `list` leaves out
# what is pending, and an upgrade is refused while the last revision is.
HELM = r"""
import json, os, pathlib, sys, urllib.request
import yaml
words = [word for word in sys.argv[1:] if not word.startswith("-")]
state = pathlib.Path(os.environ["FAKE_HELM"])
releases = json.loads(state.read_text())
calls = state.with_suffix(".calls")
def pending():
    url = os.environ["FAKE_API"] + "/api/v1/namespaces/messaging/secrets"
    with urllib.request.urlopen(url) as answer:
        items = json.load(answer)["items"]
    return any(item["metadata"]["labels"]["status"].startswith("pending") for item in items)
if "version" in words:
    print('version.BuildInfo{Version:"v3.19.0"}')
elif "plugin" in words:
    print("NAME VERSION DESCRIPTION")
elif "list" in words:
    print(yaml.safe_dump([] if pending() else releases))
elif "values" in words:
    print(yaml.safe_dump(releases[0]["values"]))
elif "show" in words:
    print(pathlib.Path(words[-1].strip("'"), "Chart.yaml").read_text())
elif "upgrade" in words:
    with calls.open("a") as file:
        file.write(" ".join(sys.argv[1:]) + "\n")
    if pending():
        sys.exit("Error: another operation (install/upgrade/rollback) is in progress")
    if os.environ.get("FAKE_FAILURE"):
        sys.exit("Error: UPGRADE FAILED: " + os.environ["FAKE_FAILURE"])
    releases[:] = [{"name": "kafka", "status": "deployed", "chart": "kafka-0.1.0+1",
                    "app_version": "4.1.0", "values": {"heap": "384m"}}]
    state.write_text(json.dumps(releases))
"""


@dataclass
class Helm:
    api: Api
    folder: Path

    def has(self, status: str, **more: Any) -> None:
        """Helm's last revision of the release."""
        found = {"name": "kafka", "status": status, "chart": "kafka-0.1.0+1"}
        found |= {"app_version": "4.1.0", "values": {"heap": "384m"}} | more
        (self.folder / "releases").write_text(json.dumps([found]))
        labels = {"owner": "helm", "name": "kafka", "status": status}
        self.api.add("Secret", "sh.helm.release.v1.kafka.v2", "messaging", labels=labels)

    def run(self, *options: str, failure: str = "") -> subprocess.CompletedProcess[str]:
        given = {
            "kubeconfig": str(self.api.kubeconfig),
            "chart": str(self.folder / "chart"),
            "helm": str(self.folder / "helm"),
        }
        return ansible_playbook(
            self.folder / "play.yml",
            *("--extra-vars", json.dumps(given), *options),
            environment={
                "NO_PROXY": "127.0.0.1",
                "FAKE_HELM": str(self.folder / "releases"),
                "FAKE_API": self.api.url,
                "FAKE_FAILURE": failure,
            },
        )

    def upgrades(self) -> list[str]:
        calls = self.folder / "releases.calls"
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def helm(tmp_path: Path) -> Iterator[Helm]:
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    (tmp_path / "helm").write_text(f"#!{sys.executable}\n{HELM}", encoding="utf-8")
    (tmp_path / "helm").chmod(0o755)
    (tmp_path / "releases").write_text("[]")
    (tmp_path / "chart").mkdir()
    about = {"apiVersion": "v2", "name": "kafka", "version": "0.1.0+1", "appVersion": "4.1.0"}
    (tmp_path / "chart" / "Chart.yaml").write_text(json.dumps(about))
    with kubernetes_api(tmp_path) as api:
        api.add("Namespace", "messaging")
        yield Helm(api, tmp_path)


def test_a_whole_release_is_left_alone(helm: Helm) -> None:
    helm.has("deployed")
    done = helm.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert " changed=0 " in done.stdout
    assert helm.upgrades() == []


def test_a_chart_of_other_content_is_an_upgrade(helm: Helm) -> None:
    helm.has("deployed", chart="kafka-0.1.0+0")
    assert " changed=1 " in helm.run().stdout
    assert len(helm.upgrades()) == 1


def test_a_failed_upgrade_is_done_again_with_the_same_values(helm: Helm) -> None:
    helm.has("failed")
    done = helm.run()
    assert done.returncode == 0, done.stdout + done.stderr
    (upgrade,) = helm.upgrades()
    assert "--force" not in upgrade
    assert " changed=0 " in helm.run().stdout


def test_a_check_says_that_a_failed_upgrade_would_be_done_again(helm: Helm) -> None:
    helm.has("failed")
    assert " changed=1 " in helm.run("--check").stdout
    assert helm.upgrades() == []


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback"])
def test_what_was_broken_off_is_done_again(helm: Helm, status: str) -> None:
    helm.has(status)
    done = helm.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert helm.api.names("Secret") == []
    refused, repaired = helm.upgrades()
    assert refused
    assert repaired
    assert " changed=0 " in helm.run().stdout


def test_records_of_others_stay(helm: Helm) -> None:
    helm.has("pending-upgrade")
    for name, status in (("rabbitmq", "pending-upgrade"), ("kafka", "deployed")):
        labels = {"owner": "helm", "name": name, "status": status}
        helm.api.add("Secret", f"{name}.{status}", "messaging", labels=labels)
    # Another release is pending still, which Helm's stand-in takes for this one's.
    helm.run()
    assert helm.api.names("Secret") == ["kafka.deployed", "rabbitmq.pending-upgrade"]


def test_another_failure_is_told_and_nothing_is_removed(helm: Helm) -> None:
    helm.has("deployed", values={"heap": "1m"})
    told = helm.run(failure="no such kind of object")
    assert told.returncode != 0
    assert "Release kafka in namespace messaging was not installed" in told.stdout
    assert "no such kind of object" in told.stdout
    assert helm.api.names("Secret") == ["sh.helm.release.v1.kafka.v2"]
