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
EVENT = "onAnalysisCompleted"
AT_ONCE, MOST_SOCKETS = 8, 96
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


def is_of(event: dict[str, Any], result: dict[str, Any]) -> None:
    """``event`` tells what the client's ``result`` says."""
    for name in ("objectKey", "correlationId", "success", "recognitionPayload"):
        assert event[name] == result[name], name


def test_every_subscriber_on_every_replica(
    platform: Platform, cluster: Cluster, alice: Account, bob: Account
) -> None:
    async def watch() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        alices, bobs = await asyncio.gather(
            asyncio.to_thread(alice.token), asyncio.to_thread(bob.token)
        )
        async with AsyncExitStack() as stack:

            async def subscriber(token: str) -> Socket:
                socket = await stack.enter_async_context(platform.socket(token))
                assert (await socket.init())["type"] == "connection_ack"
                await socket.subscribe(graphql.COMPLETED)
                return socket

            foreign = [await subscriber(bobs) for _ in range(3)]
            before = await asyncio.to_thread(sockets_per_replica, cluster)
            assert len(before) == 3, before
            own: list[Socket] = []
            reached: set[str] = set()
            # The door spreads the sockets as it likes.
            while reached != before.keys():
                assert len(own) < MOST_SOCKETS, f"all of them are on {reached} of {before.keys()}"
                own += [await subscriber(alices) for _ in range(AT_ONCE)]
                now = await asyncio.to_thread(sockets_per_replica, cluster)
                reached = {name for name in now if now[name] > before.get(name, 0)}
            sent = await asyncio.to_thread(alice.client, "upload", "--json", PICTURE)
            assert sent.returncode == 0, sent.stderr
            events = await asyncio.gather(*(socket.event(EVENT) for socket in own))
            await asyncio.gather(*(socket.nothing_within(5) for socket in foreign))
            # One event each, however often the brokers delivered it.
            await asyncio.gather(*(socket.nothing_within(1) for socket in own))
            return list(events), json.loads(sent.stdout)

    events, result = run(watch(), 240)
    for event in events:
        is_of(event, result)


def test_who_comes_late_gets_what_happened(
    platform: Platform, alice: Account, bob: Account
) -> None:
    sent = alice.client("upload", "--json", PICTURE)
    assert sent.returncode == 0, sent.stderr
    result = json.loads(sent.stdout)

    async def the_owner(token: str, wanted: dict[str, str]) -> dict[str, Any]:
        async with platform.socket(token) as socket:
            assert (await socket.init())["type"] == "connection_ack"
            await socket.subscribe(graphql.COMPLETED, **wanted)
            return await socket.event(EVENT)

    async def someone_else(token: str, wanted: dict[str, str]) -> None:
        async with platform.socket(token) as socket:
            assert (await socket.init())["type"] == "connection_ack"
            await socket.subscribe(graphql.COMPLETED, **wanted)
            await socket.nothing_within(5)

    for name in ("correlationId", "objectKey"):
        wanted = {name: result[name]}
        # Whichever replica is asked.
        for _ in range(6):
            is_of(run(the_owner(alice.token(), wanted)), result)
        run(someone_else(bob.token(), wanted))
