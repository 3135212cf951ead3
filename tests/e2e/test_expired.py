"""A token that has expired. It comes last, because a real one takes its time."""

import base64
import json
import time
from typing import Any

import pytest

from client_console import graphql
from tests.support.platform import Account, Platform, Socket

# Clocks may differ a little; the services allow for it.
LEEWAY_SECONDS = 65
pytestmark = pytest.mark.timeout(900)


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@pytest.fixture(scope="module")
def expired(platform: Platform, alice: Account) -> str:
    """Of a client with short-lived tokens where the realm has one, else alice's first."""
    short_lived = platform.test_users.get("short_lived")
    token = platform.client_token(short_lived, "openid") if short_lived else alice.first_token
    time.sleep(max(0.0, claims(token)["exp"] + LEEWAY_SECONDS - time.time()))
    return token


def test_it_is_refused_over_http(platform: Platform, expired: str) -> None:
    answer = platform.ask(expired, graphql.PING)
    assert answer.status_code == 401, answer.text
    assert "location" not in answer.headers


def test_it_is_refused_over_websocket(platform: Platform, expired: str) -> None:
    async def on_upgrade(socket: Socket) -> None:
        await socket.init()

    async def in_init(socket: Socket) -> None:
        await socket.init(expired)

    assert platform.close_code(on_upgrade, token=expired) == 4401
    assert platform.close_code(in_init) == 4403


def test_the_client_gets_itself_a_new_one(alice: Account, expired: str) -> None:
    done = alice.client("ping")
    assert (done.returncode, done.stdout) == (0, "pong\n"), done.stderr
    assert alice.client("token").stdout.strip() != expired
