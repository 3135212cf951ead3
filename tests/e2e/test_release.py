"""A release and a rollback while requests and pictures go on: nobody notices."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client_console import graphql
from client_console.asking import Patience
from client_console.events import Events
from client_console.front_door import http_client
from client_console.oidc import Identity
from client_console.pictures import checksum
from tests.support.cluster import Cluster, Workload
from tests.support.pinger import Pinger
from tests.support.platform import EXAMPLES, ROOT, Account, Platform, make, run
from tests.support.uploader import Uploader

pytestmark = [pytest.mark.release, pytest.mark.timeout(2400)]

GATEWAY = Workload("graph-gateway", "graph-gateway")
SERVICE = f"SERVICE={GATEWAY.name}"
CHANGE = ROOT / "apps" / GATEWAY.name / "src" / "graph_gateway" / "_released_by_a_test.py"
PICTURES = [EXAMPLES / name for name in ("volvo-ec220e.jpg", "jcb-3cx.jpg", "bobcat-s650.png")]


def image(cluster: Cluster) -> str:
    deployment = cluster.apps.read_namespaced_deployment(GATEWAY.name, GATEWAY.namespace)
    found: str = deployment.spec.template.spec.containers[0].image
    return found


@pytest.fixture
def change() -> Iterator[Path]:
    """Where to write the smallest change of the service that makes another version of it.

    A run that was killed may have left it behind: it is gone before and after.
    """
    CHANGE.unlink(missing_ok=True)
    yield CHANGE
    CHANGE.unlink(missing_ok=True)


@pytest.fixture
def first_version(platform: Platform, cluster: Cluster) -> Iterator[str]:
    """The image that runs before the test, and after it, however it ends."""
    before = image(cluster)
    yield before
    if image(cluster) != before:
        make("rollback", platform, SERVICE)


def test_a_release_and_a_rollback_go_unnoticed(
    platform: Platform,
    cluster: Cluster,
    alice: Account,
    first_version: str,
    change: Path,
) -> None:
    with Pinger(platform, alice) as pinger, Uploader(alice, PICTURES) as uploader:
        uploader.goes_on()
        rounds = uploader.rounds
        change.write_text('"""Makes another version of the same service, for a test."""\n')
        make("release", platform, SERVICE)
        change.unlink()
        released = image(cluster)
        cluster.wait_ready(GATEWAY, 3)
        assert uploader.rounds > rounds, "no pictures were answered during the release"
        uploader.goes_on()
        make("rollback", platform, SERVICE)
        cluster.wait_ready(GATEWAY, 3)
        uploader.goes_on()
    assert uploader.failures == []
    assert released != first_version
    assert image(cluster) == first_version
    assert pinger.failures == []
    assert min(pinger.answered.values()) > 20, pinger.answered


def test_a_subscription_lives_through_a_restart(
    platform: Platform, cluster: Cluster, alice: Account
) -> None:
    """Each replica in turn sends its sockets away; what happens after it is still told."""
    content = PICTURES[0].read_bytes()
    upload = platform.start_upload(alice.token(), PICTURES[0].name, "image/jpeg")
    assert platform.put(upload.put_url, content, "image/jpeg").status_code == 200

    def restart() -> None:
        for pod in cluster.pods(GATEWAY):
            # With notice, as a rollout does it.
            cluster.core.delete_namespaced_pod(pod.metadata.name, GATEWAY.namespace)
            cluster.wait_gone(pod)
            cluster.wait_ready(GATEWAY, 3)

    def confirm() -> None:
        platform.data(
            alice.token(),
            graphql.CONFIRM_UPLOAD,
            uploadId=upload.upload_id,
            bytes=len(content),
            checksum=checksum(content),
        )

    async def watch() -> dict[str, Any]:
        patience = Patience()
        async with http_client(alice.config) as http:
            identity = Identity(alice.config, http, print, patience)
            async with Events(alice.config, identity, print, patience) as events:
                await events.ready()
                async with events.subscribe(
                    graphql.COMPLETED, correlationId=upload.correlation_id
                ) as completed:
                    await asyncio.to_thread(restart)
                    await asyncio.to_thread(confirm)
                    return await completed.next()

    with Uploader(alice, PICTURES) as uploader:
        event = run(watch(), 900)
        uploader.goes_on()
    assert uploader.failures == []
    assert event["onAnalysisCompleted"]["objectKey"] == upload.key
    assert event["onAnalysisCompleted"]["success"] is True
