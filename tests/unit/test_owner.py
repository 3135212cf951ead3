"""In a cluster of others, the platform takes and deletes only what is labelled as its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.kubernetes_api import Api, kubernetes_api
from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]
OURS = {
    "app.kubernetes.io/managed-by": "trackunit-platform",
    "app.kubernetes.io/instance": "trackunit-existing",
}
ANOTHER = OURS | {"app.kubernetes.io/instance": "another"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with kubernetes_api(tmp_path) as made:
        yield made


def play(api: Api, role: str, tasks: str, **env: str) -> subprocess.CompletedProcess[str]:
    folder = api.kubeconfig.parent
    include = {"name": f"trackunit.platform.{role}", "tasks_from": tasks}
    (folder / "play.yml").write_text(
        yaml.safe_dump(
            [
                {
                    "hosts": "localhost",
                    "module_defaults": {
                        f"group/kubernetes.core.{group}": {"kubeconfig": str(api.kubeconfig)}
                        for group in ("k8s", "helm")
                    },
                    "tasks": [{"include_role": include}],
                }
            ]
        )
    )
    return ansible(folder / "play.yml", KUBECONFIG=str(api.kubeconfig), **env)


def ansible(file: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return ansible_playbook(
        file,
        *("--inventory", ROOT / "inventory/existing", *options),
        environment={"NO_PROXY": "127.0.0.1"} | env,
    )


def test_the_namespaces_of_others_are_refused_before_anything_is_changed(api: Api) -> None:
    api.add("Namespace", "messaging", labels={"team": "post-office"})
    api.add("Namespace", "identity", labels=ANOTHER)
    told = play(api, "namespaces", "main")
    assert told.returncode != 0
    text = " ".join(told.stdout.split())
    assert "not of this platform: identity, messaging." in text
    assert "label --overwrite namespace identity messaging" in text
    assert api.changes == []


def test_what_it_makes_says_whose_it_is_and_is_taken_again(api: Api) -> None:
    first = play(api, "namespaces", "main")
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(api.names("Namespace")) == 9
    for (kind, _, name), found in api.objects.items():
        assert OURS.items() <= found["metadata"]["labels"].items(), (kind, name)
    again = play(api, "namespaces", "main")
    assert " changed=0 " in again.stdout


def test_only_its_own_are_deleted(api: Api) -> None:
    api.add("Namespace", "messaging", labels={"team": "post-office"})
    api.add("Namespace", "identity", labels=ANOTHER)
    api.add("Namespace", "graph-gateway", labels=OURS)
    api.add("Namespace", "of-an-earlier-version", labels=OURS)
    done = play(api, "namespaces", "absent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert api.names("Namespace") == ["identity", "messaging"]
    assert "left alone: namespace identity, messaging" in done.stdout


def test_rights_outside_the_namespaces_say_whose_they_are(api: Api) -> None:
    api.add("ClusterRole", "trackunit-traefik", labels=OURS | {"app.kubernetes.io/name": "traefik"})
    api.add("ClusterRole", "traefik", labels={"app.kubernetes.io/name": "traefik"})
    # No release of Helm's is there.
    helm = api.kubeconfig.parent / "helm"
    helm.write_text("#!/bin/sh\ncase $* in *list*) echo '[]';; *) echo v3.19.0;; esac\n")
    helm.chmod(0o755)
    done = play(api, "traefik", "absent", PATH=f"{helm.parent}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert api.names("ClusterRole") == ["traefik"]


def test_the_local_platform_s_folder_is_not_that_of_an_existing_cluster(
    api: Api, tmp_path: Path
) -> None:
    state = tmp_path / "trackunit-platform" / "trackunit"
    state.mkdir(parents=True)
    (state / "kind.yml").write_text("")
    settings = {
        "platform_name": "trackunit",
        "platform_cache_dir": str(tmp_path / "cache"),
        "supply": "packages",
    }
    told = ansible(
        ROOT / "playbooks/destroy.yml",
        *("--extra-vars", json.dumps(settings)),
        XDG_STATE_HOME=str(tmp_path),
        KUBECONFIG=str(api.kubeconfig),
    )
    assert told.returncode != 0
    assert "is the folder of kind cluster trackunit on this machine" in " ".join(
        told.stdout.split()
    )
    assert (state / "kind.yml").exists()
    assert api.changes == []
