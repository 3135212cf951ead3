"""Reads how a rollout of a Deployment stands."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

REVISION = "deployment.kubernetes.io/revision"

Resource = Mapping[str, Any]


def rollout_state(deployment: Resource) -> str:
    """The module's own wait is content with the pods of the version before; this is not."""
    status = deployment.get("status") or {}
    if status.get("observedGeneration", -1) != deployment.get("metadata", {}).get("generation"):
        return "running"
    wanted = deployment["spec"]["replicas"]
    counts = {status.get(f"{kind}Replicas", 0) for kind in ("updated", "available")}
    if counts | {status.get("replicas", 0)} == {wanted}:
        return "done"
    if any(
        condition.get("reason") == "ProgressDeadlineExceeded"
        for condition in status.get("conditions") or ()
    ):
        return "failed"
    return "running"


def rollout_revision(deployment: Resource) -> int:
    """The Deployment's current revision; 0 before its first."""
    return int((deployment.get("metadata", {}).get("annotations") or {}).get(REVISION, 0))


def rollout_template(replica_sets: Sequence[Resource], revision: int) -> dict[str, Any]:
    """The pod template of one revision, or nothing where that revision is not kept."""
    for replica_set in replica_sets:
        if rollout_revision(replica_set) == revision:
            template = copy.deepcopy(dict(replica_set["spec"]["template"]))
            template["metadata"]["labels"].pop("pod-template-hash", None)
            return template
    return {}


def rollout_image(replica_sets: Sequence[Resource], revision: int) -> str | None:
    """The image of one revision, or nothing where that revision is not kept."""
    template = rollout_template(replica_sets, revision)
    return str(template["spec"]["containers"][0]["image"]) if template else None


def rollout_unready(pods: Sequence[Resource]) -> list[dict[str, str]]:
    """Each pod that is not ready, with the reason that Kubernetes gives."""
    found = []
    for pod in pods:
        status = pod.get("status") or {}
        reasons = []
        for condition in status.get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                reasons.append(str(condition.get("message", "cannot be scheduled")))
        for container in status.get("containerStatuses") or ():
            if container.get("ready"):
                continue
            for state, detail in (container.get("state") or {}).items():
                reason = (detail or {}).get("reason", "not ready yet")
                message = (detail or {}).get("message", "")
                reasons.append(f"{state}: {reason}{': ' + message if message else ''}")
        if reasons:
            found.append({"name": str(pod["metadata"]["name"]), "why": "; ".join(reasons)})
    return found


class FilterModule:
    """Filters of this file, for Ansible."""

    def filters(self) -> dict[str, Any]:
        return {
            "rollout_state": rollout_state,
            "rollout_revision": rollout_revision,
            "rollout_image": rollout_image,
            "rollout_template": rollout_template,
            "rollout_unready": rollout_unready,
        }
