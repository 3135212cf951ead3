"""Says why an existing cluster cannot take the platform."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: cluster_problems
short_description: Why an existing cluster cannot take the platform
version_added: 0.3.0
author: The Trackunit platform maintainers
description:
  - Compares what a cluster has with what the platform needs, and returns one sentence for each
    thing that is missing. It asks nobody.
positional: needs
options:
  _input:
    description: >-
      What the cluster has. C(version) (of its API server, such as C(v1.34.4)), and lists of objects
      as the API gives them, C(nodes), C(pods), C(storage_classes) and C(ingress_classes).
    type: dict
    required: true
  needs:
    description: >-
      What is needed. C(version) (the oldest, such as C(1.30)), C(storage_class) (bool), C(cpu) and
      C(memory) (quantities of Kubernetes), C(ingress_class) (the name that the front door takes),
      C(namespaces) (those of the platform, whose pods are what it has already) and C(managed_by)
      (the label's value by which the platform knows its own).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse a cluster that cannot take the platform
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('\n') }}"
  vars:
    problems: "{{ found | trackunit.platform.cluster_problems(needs) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each thing that is missing.
  type: list
  elements: str
"""

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
MANAGED_BY = "app.kubernetes.io/managed-by"
KEEPS_PODS_AWAY = {"NoSchedule", "NoExecute"}
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}

Object = Mapping[str, Any]


def quantity(text: Any) -> Decimal:
    """The number of a quantity: cores of ``500m``, bytes of ``64Mi``."""
    found = re.fullmatch(r"([0-9.]+(?:[eE][-+]?[0-9]+)?)([a-zA-Z]*)", str(text))
    try:
        if found:
            return Decimal(found[1]) * SUFFIXES[found[2]]
    except (KeyError, InvalidOperation):
        pass
    raise AnsibleFilterError(f"cluster_problems: {text!r} is no quantity of Kubernetes")


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    if not found:
        raise AnsibleFilterError(f"cluster_problems: {text!r} is no version of Kubernetes")
    return int(found[1]), int(found[2])


def _open(node: Object) -> bool:
    """Whether pods of ours may be put on the node, and it works."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    taints = {taint.get("effect") for taint in spec.get("taints") or []}
    ready = any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions") or []
    )
    return ready and not spec.get("unschedulable") and not taints & KEEPS_PODS_AWAY


def _requests(pod: Object, what: str) -> Decimal:
    containers = pod["spec"].get("containers") or []
    found = [(each.get("resources") or {}).get("requests") or {} for each in containers]
    return sum((quantity(requests.get(what, 0)) for requests in found), Decimal(0))


def _free(nodes: Sequence[Object], others: Iterable[Object], what: str) -> Decimal:
    names = {node["metadata"]["name"] for node in nodes}
    all_of_it = sum((quantity(node["status"]["allocatable"][what]) for node in nodes), Decimal(0))
    return all_of_it - sum(
        (_requests(pod, what) for pod in others if pod["spec"].get("nodeName") in names), Decimal(0)
    )


def _shown(what: str, number: Decimal) -> str:
    return f"{number:.2f} cores" if what == "cpu" else f"{number / SUFFIXES['Gi']:.2f} GiB"


def _room(found: Object, needs: Object) -> list[str]:
    nodes = [node for node in found["nodes"] if _open(node)]
    if not nodes:
        return ["no node is ready and takes pods: kubectl get nodes says why"]
    others = [
        pod
        for pod in found["pods"]
        if pod["metadata"]["namespace"] not in needs["namespaces"]
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]
    problems = []
    for what in ("cpu", "memory"):
        free, wanted = _free(nodes, others, what), quantity(needs[what])
        if free < wanted:
            problems.append(
                f"the pods of the platform ask for {_shown(what, wanted)} of {what}, and the nodes "
                f"have {_shown(what, max(free, Decimal(0)))} left: add a node, or remove what is "
                "not needed there"
            )
    return problems


def _storage(found: Object, needs: Object) -> list[str]:
    defaults = [
        known["metadata"]["name"]
        for known in found["storage_classes"]
        if (known["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    if not needs["storage_class"] or defaults:
        return []
    names = ", ".join(known["metadata"]["name"] for known in found["storage_classes"])
    return [
        "there is no default StorageClass, and brokers and storage keep data on volumes: give one "
        f"of them the annotation {DEFAULT_CLASS}=true (there are: {names or 'none'})"
    ]


def _ingress(found: Object, needs: Object) -> list[str]:
    for known in found["ingress_classes"]:
        about = known["metadata"]
        labels = about.get("labels") or {}
        release = (about.get("annotations") or {}).get("meta.helm.sh/release-namespace")
        ours = labels.get(MANAGED_BY) == needs["managed_by"] or release in needs["namespaces"]
        if about["name"] == needs["ingress_class"] and not ours:
            return [
                f"the IngressClass {about['name']} belongs to somebody else (release namespace "
                f"{release or 'unknown'}): two controllers would serve it. Use the other door, "
                "-e ingress_controller=traefik or kong, or remove that one"
            ]
    return []


def cluster_problems(found: Object, needs: Object) -> list[str]:
    """Sentences that say what ``found`` lacks of ``needs``; see DOCUMENTATION."""
    problems = []
    if _version(found["version"]) < _version(needs["version"]):
        problems.append(
            f"Kubernetes is {found['version']}, and at least {needs['version']} is needed, because "
            "pods that stop wait by preStop.sleep: upgrade the cluster"
        )
    return problems + _storage(found, needs) + _ingress(found, needs) + _room(found, needs)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"cluster_problems": cluster_problems}
