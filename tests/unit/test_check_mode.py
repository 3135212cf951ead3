"""`make check` before the first `make up` says what would be made, and makes nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.kubernetes_api import kubernetes_api
from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]


def check(folder: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The whole play in check mode, on a machine that has no engine and no state."""
    settings = {"supply": "packages", "platform_cache_dir": str(folder / "cache")}
    return ansible_playbook(
        *("site.yml", "--check"),
        *("--skip-tags", "workstation", "--extra-vars", json.dumps(settings), *options),
        environment={
            "XDG_STATE_HOME": str(folder / "state"),
            "DOCKER_HOST": f"unix://{folder}/no-engine.sock",
            "NO_PROXY": "127.0.0.1",
        }
        | env,
    )


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    checked = check(tmp_path, "--skip-tags", "kind_cluster,load_balancer")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    text = " ".join(checked.stdout.split())
    assert "There is no cluster yet, so a run makes the namespaces" in text
    assert "so a run installs rabbitmq, oauth2-proxy" in text
    assert "so a run installs tu-ingestion-service" in text
    assert not (tmp_path / "state").exists()


def test_an_empty_cluster_is_there(tmp_path: Path) -> None:
    with kubernetes_api(tmp_path) as api:
        api.add("Namespace", "default")
        checked = check(
            tmp_path,
            *("--inventory", str(ROOT / "inventory/existing"), "--skip-tags", "existing_cluster"),
            *("--extra-vars", "image_registry=registry.example.com/trackunit"),
            *("--extra-vars", '{"edge_client_cidrs": ["10.20.0.0/16"]}'),
            KUBECONFIG=str(api.kubeconfig),
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "The platform is not there yet, so a run makes the namespaces" in " ".join(
            checked.stdout.split()
        )
        assert api.changes == []


@pytest.mark.parametrize("needed", [True, False])
def test_what_is_missing_is_counted_without_an_engine(
    needed: bool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from supply.builder.catalog import load
    from supply.builder.run import Supply
    from supply.builder.sources import Choice
    from supply.builder.tools import BuildError

    assert not cache.exists()
    monkeypatch.setenv("DOCKER", str(cache / "no-docker"))
    parts = {name: part for name, part in load().items() if part.packages}
    supply = Supply.of(parts, Choice(dict.fromkeys(parts, "packages"), {}))
    if needed:
        with pytest.raises(BuildError):
            supply.missing(["rabbitmq"], engine_needed=True)
    else:
        _, made = supply.missing(["rabbitmq"], engine_needed=False)
        assert "rabbitmq" in made
