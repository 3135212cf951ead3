"""The check that rendered charts are held to: what passes, and each thing that must not."""

import copy
from typing import Any

import pytest

from tests.support.pod_security import restricted

POD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "volumes": [{"name": "tmp", "emptyDir": {}}],
    "containers": [
        {
            "name": "one",
            "ports": [{"containerPort": 80}],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            },
        }
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """POD with ``value`` at a path such as ``containers.0.securityContext``; None takes it out."""
    pod = copy.deepcopy(POD)
    at: Any = pod
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return pod


def test_what_is_restricted_passes() -> None:
    assert restricted(POD) == []


def test_a_container_may_say_what_its_pod_does_not() -> None:
    own = {
        **POD["containers"][0]["securityContext"],
        "runAsNonRoot": True,
        "seccompProfile": {"type": "Localhost"},
    }
    pod = changed("containers.0.securityContext", own)
    del pod["securityContext"]
    assert restricted(pod) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("hostNetwork", True, "hostNetwork is true"),
        ("securityContext.runAsUser", 0, "the pod runs as user 0"),
        ("securityContext.sysctls", [{"name": "kernel.msgmax"}], "sysctl kernel.msgmax is set"),
        ("securityContext.runAsNonRoot", None, "one: runAsNonRoot is not true"),
        (
            "securityContext.seccompProfile",
            {"type": "Unconfined"},
            "one: seccompProfile is not one of RuntimeDefault, Localhost",
        ),
        (
            "volumes.0",
            {"name": "h", "hostPath": {"path": "/"}},
            "volume h is of kind hostPath",
        ),
        ("containers.0.securityContext.privileged", True, "one: privileged is true"),
        (
            "containers.0.securityContext.allowPrivilegeEscalation",
            None,
            "one: allowPrivilegeEscalation is not false",
        ),
        (
            "containers.0.securityContext.capabilities.drop",
            ["NET_RAW"],
            "one: capabilities are not all dropped",
        ),
        (
            "containers.0.securityContext.capabilities.add",
            ["SYS_ADMIN"],
            "one: capability SYS_ADMIN is added",
        ),
        ("containers.0.securityContext.runAsUser", 0, "one: it runs as user 0"),
        ("containers.0.securityContext.runAsNonRoot", False, "one: runAsNonRoot is not true"),
        ("containers.0.securityContext.procMount", "Unmasked", "one: procMount is Unmasked"),
        (
            "containers.0.ports",
            [{"containerPort": 80, "hostPort": 80}],
            "one: hostPort 80 is taken",
        ),
    ],
)
def test_what_is_not_is_said(path: str, value: Any, said: str) -> None:
    assert restricted(changed(path, value)) == [said]


@pytest.mark.parametrize("kind", ["initContainers", "ephemeralContainers"])
def test_no_kind_of_container_is_left_out(kind: str) -> None:
    assert restricted({**POD, kind: [{"name": "other"}]}) == [
        "other: allowPrivilegeEscalation is not false",
        "other: capabilities are not all dropped",
    ]
