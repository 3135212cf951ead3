"""The door's own pods are replaced while clients keep their connections."""

from __future__ import annotations

import asyncio
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
from tests.support.platform import EXAMPLES, Account, Platform, run

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
row = pytest.mark.row
PICTURE = EXAMPLES / "jcb-3cx.jpg"


@row("restart-requests")
def test_no_request_fails_on_kept_or_new_connections(
    platform: Platform, cluster: Cluster, alice: Account, door: Workload
) -> None:
    with Pinger(platform, alice) as pinger:
        cluster.restart(door)
    assert pinger.failures == []
    assert min(pinger.answered.values()) > 20, pinger.answered


@row("restart-subscriptions")
def test_a_subscription_outlives_the_door(
    platform: Platform, cluster: Cluster, alice: Account, door: Workload
) -> None:
    content = PICTURE.read_bytes()
    upload = platform.start_upload(alice.token(), PICTURE.name, "image/jpeg")
    assert platform.put(upload.put_url, content, "image/jpeg").status_code == 200

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
                    await asyncio.to_thread(cluster.restart, door)
                    await asyncio.to_thread(confirm)
                    return await completed.next()

    event = run(watch(), 800)
    assert event["onAnalysisCompleted"]["objectKey"] == upload.key
    assert event["onAnalysisCompleted"]["success"] is True
