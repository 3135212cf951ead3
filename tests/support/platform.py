"""The running platform as a client and as an operator see it.

It is found by TRACKUNIT_STATE_DIR: client.json, ca.crt, kubeconfig, test-users.json, secrets/.
"""

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from client_console import config as client_config
from client_console import graphql, oidc
from client_console.asking import Patience
from client_console.config import Config
from client_console.front_door import http_client, websocket
from tests.support.device_login import CLIENT, client_environment, login

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
EXPECTED: dict[str, dict[str, Any]] = json.loads(
    (EXAMPLES / "expected.json").read_text(encoding="utf-8")
)

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], limit: float = 120) -> T:
    """Run ``work`` to its end, which must come within ``limit`` seconds."""

    async def limited() -> T:
        async with asyncio.timeout(limit):
            return await work

    return asyncio.run(limited())


def make(target: str, platform: "Platform", *variables: str) -> None:
    """A target with ``NAME=value`` of Make, as a developer types it, for this platform."""
    done = subprocess.run(
        ["make", target, *variables, f"PLATFORM={platform.state.name}"],
        cwd=ROOT,
        env=os.environ | {"TRACKUNIT_STATE_DIR": str(platform.state)},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, f"make {target}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"


@dataclass(frozen=True)
class Account:
    """A test user, logged in by the device code grant with a configuration of its own."""

    username: str
    file: Path
    first_token: str = ""
    """The one that the login gave; it grows old while tests run."""

    @cached_property
    def config(self) -> Config:
        return client_config.load(self.file, {})

    def token(self, *, rejected: str = "") -> str:
        """A fresh access token; not ``rejected``."""

        async def ask() -> str:
            async with http_client(self.config) as http:
                identity = oidc.Identity(self.config, http, print, Patience())
                return await identity.token(rejected=rejected)

        return run(ask())

    def client(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run client-console to its end."""
        return subprocess.run(
            [*CLIENT, "--config", str(self.file), *map(str, arguments)],
            env=client_environment(),
            capture_output=True,
            text=True,
            timeout=420,
            check=False,
        )

    def start_client(self, *arguments: object) -> subprocess.Popen[str]:
        """Start client-console and leave it running."""
        return subprocess.Popen(
            [*CLIENT, "--config", str(self.file), *map(str, arguments)],
            env=client_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@dataclass(frozen=True)
class Upload:
    """An upload that was begun."""

    upload_id: str
    key: str
    put_url: str
    correlation_id: str


@dataclass
class Socket:
    """A WebSocket in the words of graphql-transport-ws."""

    connection: ClientConnection
    received: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self, limit: float = 30) -> dict[str, Any]:
        async with asyncio.timeout(limit):
            while True:
                message: dict[str, Any] = json.loads(await self.connection.recv())
                if message["type"] != "ping":
                    self.received.append(message)
                    return message

    async def event(self, name: str, limit: float = 60) -> dict[str, Any]:
        """The next event of the subscription ``name``; no other message takes its place."""
        message = await self.receive(limit)
        assert message["type"] == "next", message
        assert not message["payload"].get("errors"), message
        found: dict[str, Any] = message["payload"]["data"][name]
        return found

    async def init(self, token: str = "") -> dict[str, Any]:
        payload = {"Authorization": f"Bearer {token}"} if token else {}
        await self.send(type="connection_init", payload=payload)
        return await self.receive()

    async def subscribe(self, document: str, **variables: object) -> None:
        await self.send(
            id="1", type="subscribe", payload={"query": document, "variables": variables}
        )

    async def close_code(self, limit: float = 60) -> int:
        """The code with which the platform ends the connection."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.receive(limit)
        code = self.connection.close_code
        return -1 if code is None else code

    async def nothing_within(self, seconds: float) -> None:
        try:
            message = await self.receive(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"there should be no event, but there is {message}")


Talk = Callable[[Socket], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Platform:
    """Where everything is."""

    state: Path

    @cached_property
    def config(self) -> Config:
        return client_config.load(self.state / "client.json", {})

    @cached_property
    def test_users(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.state / "test-users.json").read_text())
        return found

    def secret(self, name: str) -> str:
        return (self.state / "secrets" / name).read_text().strip()

    def account(self, username: str, folder: Path, scope: str = "") -> Account:
        """Log ``username`` in, with another ``scope`` than the client's own where given."""
        values = json.loads((self.state / "client.json").read_text())
        values["ca_file"] = str(self.config.ca_file)
        values["scope"] = scope or values["scope"]
        file = folder / "client.json"
        file.write_text(json.dumps(values))
        users = self.test_users["users"]
        password = next(user["password"] for user in users if user["username"] == username)
        run(login(file, username, password), 180)
        kept = json.loads((folder / "token.json").read_text(encoding="utf-8"))
        return Account(username, file, kept["access_token"])

    def client_token(self, client: dict[str, str], scope: str) -> str:
        """A token for a confidential client of the tests, by the client credentials grant."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "scope": scope,
        }
        answer = self.request(
            "POST", f"{self.config.issuer}/protocol/openid-connect/token", data=form
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """One request, once, as it comes: no retry, no redirect."""

        async def ask() -> httpx.Response:
            async with http_client(self.config) as http:
                return await http.request(method, url, **options)

        return run(ask())

    def ask(self, token: str, document: str, **variables: object) -> httpx.Response:
        """One GraphQL request; without ``token`` none is sent."""
        return self.request(
            "POST",
            self.config.endpoint,
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def data(self, token: str, document: str, **variables: object) -> dict[str, Any]:
        answer = self.ask(token, document, **variables)
        body = answer.json()
        assert answer.status_code == 200, answer.text
        assert not body.get("errors"), answer.text
        found: dict[str, Any] = body["data"]
        return found

    def start_upload(self, token: str, filename: str, content_type: str) -> Upload:
        begun = self.data(token, graphql.START_UPLOAD, filename=filename, contentType=content_type)
        payload = begun["startUpload"]["imageUploadPayload"]
        return Upload(
            payload["uploadId"],
            payload["key"],
            payload["putUrl"],
            begun["startUpload"]["correlationId"],
        )

    def put(self, url: str, content: bytes, content_type: str, **headers: str) -> httpx.Response:
        return self.request(
            "PUT", url, content=content, headers={"Content-Type": content_type, **headers}
        )

    @contextlib.asynccontextmanager
    async def socket(self, token: str = "") -> AsyncIterator[Socket]:
        """A WebSocket that is open but not initialised; ``token`` is on the upgrade."""
        async with websocket(self.config, token) as connection:
            yield Socket(connection)

    def close_code(
        self, talk: Callable[[Socket], Coroutine[Any, Any, None]], token: str = ""
    ) -> int:
        """The code that ends a connection on which ``talk`` was said; an HTTP status counts too."""

        async def watch() -> int:
            try:
                async with self.socket(token) as socket:
                    with contextlib.suppress(ConnectionClosed):
                        await talk(socket)
                    return await socket.close_code()
            except InvalidStatus as refused:
                return refused.response.status_code

        return run(watch())


def error_codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]
