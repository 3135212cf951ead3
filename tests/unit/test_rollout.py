"""A rollout is done when all pods are new, not when enough are up."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[2] / "plugins/filter/rollout.py"
spec = importlib.util.spec_from_file_location("rollout", PLUGIN)
assert spec and spec.loader
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)


def deployment(**status: Any) -> dict[str, Any]:
    counts = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "observedGeneration": 2}
    return {
        "metadata": {"generation": 2, "annotations": {"deployment.kubernetes.io/revision": "7"}},
        "spec": {"replicas": 3},
        "status": {**counts, **status},
    }


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "done"),
        ({"observedGeneration": 1}, "running"),
        ({"updatedReplicas": 0}, "running"),
        ({"replicas": 4}, "running"),
        ({"availableReplicas": 2}, "running"),
        (
            {"updatedReplicas": 1, "conditions": [{"reason": "ProgressDeadlineExceeded"}]},
            "failed",
        ),
    ],
)
def test_state(status: dict[str, Any], state: str) -> None:
    assert plugin.rollout_state(deployment(**status)) == state


def test_no_deployment_yet_is_running() -> None:
    assert plugin.rollout_state({}) == "running"
    assert plugin.rollout_revision({}) == 0


def test_the_image_of_a_revision_is_found() -> None:
    sets: list[dict[str, Any]] = [
        {
            "metadata": {"annotations": {"deployment.kubernetes.io/revision": str(revision)}},
            "spec": {
                "template": {
                    "metadata": {"labels": {"name": "shop", "pod-template-hash": "5df7c78fff"}},
                    "spec": {"containers": [{"image": f"shop:{revision}"}]},
                }
            },
        }
        for revision in (3, 6, 7)
    ]
    assert plugin.rollout_revision(deployment()) == 7
    assert plugin.rollout_image(sets, 6) == "shop:6"
    assert plugin.rollout_image(sets, 5) is None
    assert plugin.rollout_template(sets, 5) == {}
    assert plugin.rollout_template(sets, 6)["metadata"]["labels"] == {"name": "shop"}
    assert "pod-template-hash" in sets[1]["spec"]["template"]["metadata"]["labels"]


def test_pods_that_are_not_ready_say_why() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pods = [
        {"metadata": {"name": "good"}, "status": {"containerStatuses": [{"ready": True}]}},
        {
            "metadata": {"name": "bad"},
            "status": {"containerStatuses": [{"ready": False, "state": waiting}]},
        },
        {
            "metadata": {"name": "pending"},
            "status": {
                "conditions": [{"type": "PodScheduled", "status": "False", "message": "no room"}]
            },
        },
    ]
    assert plugin.rollout_unready(pods) == [
        {"name": "bad", "why": "waiting: ImagePullBackOff: no such image"},
        {"name": "pending", "why": "no room"},
    ]
