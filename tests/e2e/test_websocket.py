"""Who may subscribe, and with which code the others are sent away."""

from typing import Any

from client_console import graphql
from tests.support.platform import Account, Platform, Socket, run

UNAUTHORIZED, FORBIDDEN = 4401, 4403


async def init(socket: Socket) -> None:
    await socket.init()


async def _acknowledged(platform: Platform, upgrade: str, payload: str) -> bool:
    async with platform.socket(upgrade) as socket:
        return bool((await socket.init(payload))["type"] == "connection_ack")


def test_the_token_comes_on_the_upgrade(platform: Platform, alice: Account) -> None:
    assert run(_acknowledged(platform, alice.token(), ""))


def test_the_token_comes_in_connection_init(platform: Platform, alice: Account) -> None:
    assert run(_acknowledged(platform, "", alice.token()))


def test_without_a_token(platform: Platform) -> None:
    assert platform.close_code(init) == UNAUTHORIZED


def test_subscribing_before_init(platform: Platform) -> None:
    async def talk(socket: Socket) -> None:
        await socket.subscribe(graphql.COMPLETED)

    assert platform.close_code(talk) == UNAUTHORIZED


def test_a_bad_token_on_the_upgrade(platform: Platform) -> None:
    assert platform.close_code(init, token="nonsense") == UNAUTHORIZED


def test_a_bad_token_in_connection_init(platform: Platform) -> None:
    async def talk(socket: Socket) -> None:
        await socket.init("nonsense")

    assert platform.close_code(talk) == FORBIDDEN


def test_a_token_for_another_audience(platform: Platform, other_audience: str) -> None:
    async def talk(socket: Socket) -> None:
        await socket.init(other_audience)

    assert platform.close_code(talk) == FORBIDDEN
    assert platform.close_code(init, token=other_audience) == UNAUTHORIZED


def test_a_token_without_the_scope(platform: Platform, without_scope: Account) -> None:
    async def talk(socket: Socket) -> None:
        await socket.init(without_scope_token)

    without_scope_token = without_scope.token()
    assert platform.close_code(talk) == FORBIDDEN
    assert platform.close_code(init, token=without_scope_token) == FORBIDDEN


def test_what_is_not_the_protocol(platform: Platform, alice: Account) -> None:
    async def talk(socket: Socket) -> None:
        await socket.connection.send("hello")

    assert platform.close_code(talk, token=alice.token()) == 4400


def test_an_invalid_subscription_gets_an_error(platform: Platform, alice: Account) -> None:
    token = alice.token()

    async def talk() -> dict[str, Any]:
        async with platform.socket(token) as socket:
            await socket.init()
            await socket.subscribe("subscription { onNothing { objectKey } }")
            return await socket.receive()

    message = run(talk())
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
