"""Several subscribers over three replicas: each sees its owner's events, and nobody else does."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from typing import Any

from client_console import graphql
from tests.support.cluster import Cluster, Workload
from tests.support.platform import EXAMPLES, Account, Platform, Socket, run

GATEWAY = Workload("graph-gateway", "graph-gateway")
# The odds that a replica gets none of so many sockets are one in some thousands.
SOCKETS = 24
PICTURE = EXAMPLES / "volvo-ec220e.jpg"
READ_METRICS = (
    "import urllib.request as u;"
    "print(u.urlopen('http://127.0.0.1:8080/metrics', timeout=10).read().decode())"
)


def sockets_per_replica(cluster: Cluster) -> dict[str, float]:
    found = {}
    for pod in cluster.pods(GATEWAY):
        name = pod.metadata.name
        text = cluster.exec(GATEWAY.namespace, name, "/app/bin/python3", "-c", READ_METRICS)
        value = re.search(r"^gateway_websockets (\S+)", text, re.MULTILINE)
        assert value, text[:500]
        found[name] = float(value.group(1))
    return found


def test_every_subscriber_on_every_replica(
    platform: Platform, cluster: Cluster, alice: Account, bob: Account
) -> None:
    async def watch() -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, float]]:
        alices, bobs = await asyncio.gather(
            asyncio.to_thread(alice.token), asyncio.to_thread(bob.token)
        )
        async with AsyncExitStack() as stack:

            async def subscriber(token: str) -> Socket:
                socket = await stack.enter_async_context(platform.socket(token))
                assert (await socket.init())["type"] == "connection_ack"
                await socket.subscribe(graphql.COMPLETED)
                return socket

            own = [await subscriber(alices) for _ in range(SOCKETS)]
            foreign = [await subscriber(bobs) for _ in range(3)]
            spread = await asyncio.to_thread(sockets_per_replica, cluster)
            sent = await asyncio.to_thread(alice.client, "upload", "--json", PICTURE)
            assert sent.returncode == 0, sent.stderr
            events = await asyncio.gather(*(socket.receive(60) for socket in own))
            await asyncio.gather(*(socket.nothing_within(5) for socket in foreign))
            # One event each, however often the brokers delivered it.
            await asyncio.gather(*(socket.nothing_within(1) for socket in own))
            return list(events), json.loads(sent.stdout), spread

    events, result, spread = run(watch(), 240)
    assert len(spread) == 3
    assert all(spread.values()), spread
    for event in events:
        completed = event["payload"]["data"]["onAnalysisCompleted"]
        assert completed["objectKey"] == result["objectKey"]
        assert completed["correlationId"] == result["correlationId"]
        assert completed["success"] is True


def test_who_comes_late_gets_what_happened(
    platform: Platform, alice: Account, bob: Account
) -> None:
    sent = alice.client("upload", "--json", PICTURE)
    assert sent.returncode == 0, sent.stderr
    result = json.loads(sent.stdout)

    async def late(token: str, wanted: dict[str, str]) -> list[dict[str, Any]]:
        received = []
        async with platform.socket(token) as socket:
            await socket.init()
            await socket.subscribe(graphql.COMPLETED, **wanted)
            try:
                received.append(await socket.receive(5))
            except TimeoutError:
                return []
        return received

    for wanted in (
        {"correlationId": result["correlationId"]},
        {"objectKey": result["objectKey"]},
    ):
        # Whichever replica is asked.
        for _ in range(6):
            assert len(run(late(alice.token(), wanted))) == 1
        assert run(late(bob.token(), wanted)) == []
