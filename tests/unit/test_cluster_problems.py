"""What an existing cluster lacks is told before anything is built or installed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from plugins.filter.cluster_problems import cluster_problems, quantity

NEEDS = {
    "version": "1.30",
    "storage_class": True,
    "cpu": "2",
    "memory": "4Gi",
    "ingress_class": "traefik",
    "namespaces": ["api-gateway", "messaging"],
    "managed_by": "trackunit-platform",
}


def node(name: str = "worker", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": "3500m", "memory": "6Gi"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(namespace: str = "shop", cpu: str = "1", phase: str = "Running") -> dict[str, Any]:
    container = {"resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    return {
        "metadata": {"namespace": namespace},
        "spec": {"nodeName": "worker", "containers": [container, {}]},
        "status": {"phase": phase},
    }


def storage(default: bool = True) -> dict[str, Any]:
    key = "storageclass.kubernetes.io/is-default-class"
    return {"metadata": {"name": "standard", "annotations": {key: str(default).lower()}}}


def ingress(name: str = "nginx", release: str = "web") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "annotations": {"meta.helm.sh/release-namespace": release}},
    }


def problems(**found: Any) -> list[str]:
    """Of a cluster that is good but for what is said here."""
    good: dict[str, Any] = {
        "version": "v1.34.4",
        "nodes": [node()],
        "pods": [pod()],
        "storage_classes": [storage()],
        "ingress_classes": [ingress()],
    }
    return cluster_problems(good | found, NEEDS)


def only(said: list[str], part: str) -> None:
    assert len(said) == 1, said
    assert part in said[0]


def test_a_good_cluster_is_taken() -> None:
    assert problems() == []


@pytest.mark.parametrize("version", ["v1.29.9", "v1.9.0-eks-1"])
def test_an_old_version_is_refused(version: str) -> None:
    only(problems(version=version), f"Kubernetes is {version}, and at least 1.30")


@pytest.mark.parametrize("classes", [[], [storage(default=False)]])
def test_a_default_storage_class_is_asked_for(classes: list[Any]) -> None:
    only(problems(storage_classes=classes), "there is no default StorageClass")


def test_the_ingress_class_of_somebody_else_is_refused() -> None:
    theirs = [ingress("traefik", "kube-system")]
    only(problems(ingress_classes=theirs), "the IngressClass traefik belongs to somebody else")
    assert problems(ingress_classes=[ingress("traefik", "api-gateway")]) == []


def test_what_others_ask_for_is_no_room() -> None:
    only(problems(pods=[pod(cpu="1600m")]), "ask for 2.00 cores of cpu, and the nodes have 1.90")


@pytest.mark.parametrize("taken", [pod("messaging", "3"), pod(cpu="3", phase="Succeeded")])
def test_what_is_ours_or_over_takes_no_room(taken: dict[str, Any]) -> None:
    assert problems(pods=[taken]) == []


@pytest.mark.parametrize(
    "closed",
    [
        node(unschedulable=True),
        node(taints=[{"key": "gpu", "effect": "NoSchedule"}]),
        node() | {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
    ],
)
def test_nodes_that_take_no_pods_do_not_count(closed: dict[str, Any]) -> None:
    only(problems(nodes=[closed]), "no node is ready and takes pods")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", 0.5),
        ("2", 2),
        (3, 3),
        ("64Mi", 67108864),
        ("1e3", 1000),
        ("1k", 1000),
        ("0.5Gi", 2**29),
    ],
)
def test_quantities(text: Any, number: float) -> None:
    assert float(quantity(text)) == number


@pytest.mark.parametrize("text", ["", "many", "1Xi", "1.2.3"])
def test_what_is_no_quantity_is_told(text: str) -> None:
    with pytest.raises(AnsibleFilterError, match="is no quantity"):
        quantity(text)
