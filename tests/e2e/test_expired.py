"""A token that has expired. It comes last, because a real one takes its time."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client_console import graphql
from tests.support.containers import wait_for
from tests.support.platform import Account, Platform, Socket

# Clocks may differ a little, and the services allow for it; a generous limit beside that.
LEEWAY_SECONDS = 60
GENEROUS_SECONDS = 120
pytestmark = pytest.mark.timeout(900)


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@pytest.fixture(scope="module")
def expired(alice: Account) -> str:
    """The token that alice's login gave, once its time is over."""
    expires = claims(alice.first_token)["exp"]

    def over() -> None:
        assert time.time() >= expires

    wait_for("the end of the token", over, timeout=expires - time.time() + 1)
    return alice.first_token


def until_refused(platform: Platform, token: str, refused: Callable[[], None]) -> None:
    """``refused`` holds as soon as clocks that differ cannot be why the token is still taken."""
    left = claims(token)["exp"] + LEEWAY_SECONDS - time.time()
    wait_for("a refusal of the token", refused, timeout=max(left, 0) + GENEROUS_SECONDS)


def test_it_is_refused_over_http(platform: Platform, expired: str) -> None:
    def refused() -> None:
        answer = platform.ask(expired, graphql.PING)
        assert answer.status_code == 401, answer.text
        assert "location" not in answer.headers

    until_refused(platform, expired, refused)


def test_it_is_refused_over_websocket(platform: Platform, expired: str) -> None:
    async def on_upgrade(socket: Socket) -> None:
        await socket.init()

    async def in_init(socket: Socket) -> None:
        await socket.init(expired)

    def refused() -> None:
        assert platform.close_code(on_upgrade, token=expired) == 4401
        assert platform.close_code(in_init) == 4403

    until_refused(platform, expired, refused)


def test_the_client_gets_itself_a_new_one(alice: Account, expired: str, tmp_path: Path) -> None:
    kept = json.loads((alice.file.parent / "token.json").read_text())
    old = kept | {"access_token": expired, "expires_at": claims(expired)["exp"]}
    (tmp_path / "token.json").write_text(json.dumps(old))
    account = Account(alice.username, tmp_path / "client.json")
    account.file.write_text(alice.file.read_text())
    done = account.client("ping")
    assert (done.returncode, done.stdout) == (0, "pong\n"), done.stderr
    assert account.client("token").stdout.strip() != expired
