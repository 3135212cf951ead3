"""A Job that failed is replaced by the next run; one that completed is not started again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes_api import Api, Object, kubernetes_api
from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]
PLAY = """
- name: Run a Job as a role does
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/kubernetes.core.k8s: {kubeconfig: "{{ kubeconfig }}"}
  tasks:
    - name: Run it
      ansible.builtin.import_role:
        name: trackunit.platform.job
      vars:
        job_definition:
          apiVersion: batch/v1
          kind: Job
          metadata:
            name: "{{ job | default('bucket-1') }}"
            namespace: object-storage
            labels: {app.kubernetes.io/name: bucket}
          spec: {backoffLimit: 1}
        job_purpose: bucket
        job_poll_seconds: 0
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    with kubernetes_api(tmp_path) as made:
        made.add("Namespace", "object-storage")
        yield made


def ends(kind: str) -> dict[str, object]:
    return {"conditions": [{"type": kind, "status": "True"}]}


def complete(job: Object) -> None:
    job["status"] = ends("Complete")


def run(api: Api, *options: str) -> subprocess.CompletedProcess[str]:
    return ansible_playbook(
        api.kubeconfig.parent / "play.yml",
        *("--extra-vars", json.dumps({"kubeconfig": str(api.kubeconfig)}), *options),
        environment={"NO_PROXY": "127.0.0.1"},
    )


def test_it_runs_once(api: Api) -> None:
    api.created = complete
    first, second = run(api), run(api)
    assert first.returncode == second.returncode == 0, first.stdout + second.stdout
    assert " changed=1 " in first.stdout
    assert " changed=0 " in second.stdout
    assert [change[0] for change in api.changes] == ["POST"]


def test_one_that_failed_is_replaced(api: Api) -> None:
    api.created = complete
    assert run(api).returncode == 0
    api.objects["Job", "object-storage", "bucket-1"]["status"] = ends("Failed")
    api.changes.clear()
    again = run(api)
    assert again.returncode == 0, again.stdout
    assert [change[0] for change in api.changes] == ["DELETE", "POST"]


def test_content_that_comes_back_is_set_up_again(api: Api) -> None:
    api.created = complete
    api.add("Job", "another", "object-storage", labels={"app.kubernetes.io/name": "another"})
    for job in ("bucket-1", "bucket-2", "bucket-1"):
        assert run(api, "--extra-vars", f"job={job}").returncode == 0
        assert api.names("Job") == ["another", job]
    assert [change[0] for change in api.changes if change[3] == "bucket-1"].count("POST") == 2


def test_one_that_fails_now_is_told_with_what_to_do(api: Api) -> None:
    def fail(job: Object) -> None:
        job["status"] = ends("Failed")

    api.created = fail
    told = run(api)
    assert told.returncode != 0
    assert "There is no bucket: the Job bucket-1 in namespace object-storage" in told.stdout
    assert "the same command runs it again" in told.stdout
    assert "delete" not in told.stdout.split("There is no bucket")[1]


def test_a_check_starts_nothing(api: Api) -> None:
    checked = run(api, "--check")
    assert checked.returncode == 0, checked.stdout
    assert api.names("Job") == []
