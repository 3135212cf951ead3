"""The checks of rendered charts find each thing that must not be, and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from supply.contracts import Contract
from tests.upstream.checks import beyond, problems

IMAGE = "registry.example:5000/a/b:1@sha256:" + "0a" * 32
LABELS = {"app.kubernetes.io/name": "one", "app.kubernetes.io/instance": "one"}
EXPECTED: dict[str, Any] = {
    "namespace": "here",
    "objects": ["Deployment/one", "Service/one"],
    "services": {"one": {80: 8080}},
    "workload": {
        "labels": LABELS,
        "images": ["b"],
        "listens": [8080],
        "secrets": ["wanted"],
        "token": False,
        "probes": ["readinessProbe"],
        "environment": {"LISTEN": r"127\.0\.0\.1:\d+"},
    },
    "budget": False,
}
CONTRACT = Contract(
    read="",
    public_user=0,
    user=10001,
    writes=("/data",),
    mounts=("/etc/one",),
    environment=("LISTEN", "PASSWORD"),
    listens=(8080,),
    entry="",
    programs=(),
)
CONTAINER: dict[str, Any] = {
    "name": "one",
    "image": IMAGE,
    "ports": [{"name": "http", "containerPort": 8080}],
    "env": [
        {"name": "LISTEN", "value": "127.0.0.1:1"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "wanted", "key": "k"}}},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ],
    "readinessProbe": {},
    "resources": {"requests": {"cpu": "1m"}, "limits": {"memory": "1Mi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsUser": 10001,
    },
    "volumeMounts": [
        {"name": "data", "mountPath": "/data"},
        {"name": "settings", "mountPath": "/etc/one/settings"},
    ],
}
RESOURCES: list[dict[str, Any]] = [
    {
        "kind": "Deployment",
        "metadata": {"name": "one"},
        "spec": {
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {
                    "automountServiceAccountToken": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [CONTAINER],
                    "volumes": [
                        {"name": "data", "emptyDir": {}},
                        {"name": "settings", "configMap": {"name": "settings"}},
                    ],
                },
            },
        },
    },
    {
        "kind": "Service",
        "metadata": {"name": "one", "namespace": "here"},
        "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": "http"}]},
    },
]
Change = Callable[[list[dict[str, Any]]], Any]


def container(resources: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = pod(resources)["containers"][0]
    return found


def pod(resources: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = resources[0]["spec"]["template"]["spec"]
    return found


def after(change: Change) -> list[dict[str, Any]]:
    resources = copy.deepcopy(RESOURCES)
    change(resources)
    return resources


def test_what_is_expected_passes() -> None:
    assert problems(RESOURCES, EXPECTED, {"b": IMAGE}) == []
    assert beyond(RESOURCES, CONTRACT) == []


def test_a_tag_beside_a_digest_may_be_left_out() -> None:
    without = IMAGE.replace(":1@", "@")
    resources = after(lambda r: container(r).update(image=without))
    assert problems(resources, EXPECTED, {"b": IMAGE}) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda r: r.append({"kind": "Role", "metadata": {"name": "x"}}),
            "Role/x is there, and nobody",
        ),
        (lambda r: r.pop(1), "Service/one is not there"),
        (lambda r: r.append(r[1]), "Service/one is there more than once"),
        (
            lambda r: r[1]["metadata"].update(namespace="there"),
            "Service/one is for namespace there",
        ),
        (
            lambda r: r[1]["metadata"].update(annotations={"helm.sh/hook": "test"}),
            "Service/one is a hook",
        ),
        (
            lambda r: r[1]["metadata"].update(labels={"version": "1@sha256:0a"}),
            "label version is '1@sha256:0a'",
        ),
        (
            lambda r: r.append(
                {
                    "kind": "ClusterRole",
                    "metadata": {"name": "x"},
                    "rules": [{"resources": ["secrets"]}],
                }
            ),
            "ClusterRole/x reaches the Secrets of every namespace",
        ),
        (
            lambda r: r[1]["spec"]["ports"].append({"port": 9000}),
            "Service one leads {80: 8080, 9000: 9000}",
        ),
        (lambda r: r[1]["spec"].update(selector={"app": "other"}), "Service one selects"),
        (lambda r: r[1]["spec"].update(type="NodePort"), "Service one is open on nodes"),
        (
            lambda r: r[0]["spec"].update(selector={"matchLabels": {"app": "one"}}),
            "it selects {'app': 'one'}",
        ),
        (
            lambda r: r[0]["spec"].update(
                volumeClaimTemplates=[
                    {
                        "metadata": {"name": "data"},
                        "spec": {"resources": {"requests": {"storage": "1Gi"}}},
                    }
                ]
            ),
            "it claims {'data'",
        ),
        (lambda r: pod(r).update(hostNetwork=True), "hostNetwork is true"),
        (lambda r: container(r).update(image="docker.io/a/b:1"), "images are ['docker.io/a/b:1']"),
        (
            lambda r: container(r)["ports"].append({"containerPort": 9000}),
            "port 9000 is declared",
        ),
        (
            lambda r: container(r)["securityContext"].pop("readOnlyRootFilesystem"),
            "its root file system can be written",
        ),
        (lambda r: container(r).pop("resources"), "its memory has no limit"),
        (lambda r: container(r).update(imagePullPolicy="Always"), "its image is pulled"),
        (lambda r: container(r)["env"].pop(0), "LISTEN is None"),
        (lambda r: container(r).pop("readinessProbe"), "there is no readinessProbe"),
        (
            lambda r: container(r).update(envFrom=[{"secretRef": {"name": "other"}}]),
            "pods read the Secrets ['other', 'wanted']",
        ),
        (
            lambda r: pod(r)["volumes"].append({"name": "s", "secret": {"secretName": "other"}}),
            "pods read the Secrets ['other', 'wanted']",
        ),
        (lambda r: pod(r).pop("automountServiceAccountToken"), "pods have token"),
    ],
)
def test_what_is_not_is_said(change: Change, said: str) -> None:
    found = problems(after(change), EXPECTED, {"b": IMAGE})
    assert [one for one in found if said in one], found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda r: container(r)["securityContext"].update(runAsUser=1),
            "it runs as user 1, its contract says 10001",
        ),
        (
            lambda r: container(r)["env"].append({"name": "OURS", "value": "x"}),
            "OURS is set, and no contract says that it is read",
        ),
        (
            lambda r: container(r)["volumeMounts"].pop(0),
            "/data is a volume in only one of the pod and the contract",
        ),
        (
            lambda r: container(r)["volumeMounts"][1].update(mountPath="/opt"),
            "/opt is mounted, and no contract says so",
        ),
    ],
)
def test_what_is_beyond_a_contract_is_said(change: Change, said: str) -> None:
    assert beyond(after(change), CONTRACT) == [said]
