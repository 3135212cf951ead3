"""A release and a rollback while requests and pictures go on: nobody notices."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.cluster import Cluster, Workload
from tests.support.pinger import Pinger
from tests.support.platform import EXAMPLES, EXPECTED, ROOT, Account, Platform

pytestmark = [pytest.mark.release, pytest.mark.timeout(2400)]

GATEWAY = Workload("graph-gateway", "graph-gateway")
ALL = [EXAMPLES / name for name in sorted(EXPECTED)]
PICTURES = [EXAMPLES / name for name in ("volvo-ec220e.jpg", "jcb-3cx.jpg", "bobcat-s650.png")]


def image(cluster: Cluster) -> str:
    deployment = cluster.apps.read_namespaced_deployment(GATEWAY.name, GATEWAY.namespace)
    found: str = deployment.spec.template.spec.containers[0].image
    return found


def make(target: str, platform: Platform) -> None:
    """As a developer types it; the platform's name comes along where it is not the usual one."""
    done = subprocess.run(
        ["make", target, f"SERVICE={GATEWAY.name}", f"PLATFORM={platform.state.name}"],
        cwd=ROOT,
        env=os.environ | {"TRACKUNIT_STATE_DIR": str(platform.state)},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, f"make {target}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"


@contextmanager
def changed_service() -> Iterator[None]:
    """The smallest change of the service that makes a new version, taken back at the end."""
    file = ROOT / "apps" / GATEWAY.name / "src" / "graph_gateway" / "_released_by_a_test.py"
    file.write_text('"""Makes another version of the same service, for a release in a test."""\n')
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def pictures_are_answered(account: Account) -> None:
    done = account.client("upload", "--json", *PICTURES)
    assert done.returncode == 0, done.stderr
    assert all(json.loads(line)["success"] for line in done.stdout.splitlines())


def test_a_release_and_a_rollback_go_unnoticed(
    platform: Platform, cluster: Cluster, alice: Account
) -> None:
    before = image(cluster)
    watcher = alice.start_client("upload", "--json", "--timeout", 1500, *PICTURES)
    with Pinger(platform, alice) as pinger:
        with changed_service():
            make("release", platform)
        released = image(cluster)
        cluster.wait_ready(GATEWAY, 3)
        pictures_are_answered(alice)
        make("rollback", platform)
        cluster.wait_ready(GATEWAY, 3)
        pictures_are_answered(alice)
    out, err = watcher.communicate(timeout=600)
    assert watcher.returncode == 0, err
    assert len(out.splitlines()) == len(PICTURES)
    assert released != before
    assert image(cluster) == before
    assert pinger.failures == []
    assert pinger.answered > 50


def test_a_subscription_lives_through_a_restart(cluster: Cluster, alice: Account) -> None:
    """The client's socket is sent away by each replica in turn and misses nothing."""
    watcher = alice.start_client("upload", "--json", "--parallel", 1, *ALL)
    for pod in cluster.pods(GATEWAY):
        # With notice, as a rollout does it.
        cluster.core.delete_namespaced_pod(pod.metadata.name, GATEWAY.namespace)
        cluster.wait_ready(GATEWAY, 3)
    out, err = watcher.communicate(timeout=420)
    assert watcher.returncode == 0, err
    assert len(out.splitlines()) == len(ALL)
    assert all(json.loads(line)["success"] for line in out.splitlines())
