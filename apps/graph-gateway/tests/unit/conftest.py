"""A whole gateway in this process, with an issuer of its own and fakes for what lies outside."""

import functools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from werkzeug.serving import make_server

from graph_gateway.bootstrap import Adapters, Gateway
from graph_gateway.errors import ApiError, ErrorCode
from graph_gateway.ingestion import Upload
from graph_gateway.keys import OidcKeys
from graph_gateway.settings import Settings
from tu_common import ownership
from tu_common.messages import (
    Aggregate,
    AnalysisCompleted,
    AnalysisStarted,
    Provider,
    RecognitionPayload,
)
from tu_common.messaging import Effect, Message
from tu_common.settings import load

ISSUER = "https://issuer.test/realms/trackunit"
AUDIENCE = "api://trackunit"
SCOPE = "access_as_user"
KEY = "k" * 32
ENVIRONMENT = {
    "OIDC_ISSUER": ISSUER,
    "OIDC_AUDIENCE": AUDIENCE,
    "OIDC_SCOPE": SCOPE,
    "CORRELATION_KEY": KEY,
    "INGESTION_URL": "http://ingestion.test:8080",
    "RABBITMQ_HOST": "rabbitmq.test",
    "RABBITMQ_USER": "graph-gateway",
    "RABBITMQ_PASSWORD": "secret",
    "SUBSCRIPTION_QUEUE_SIZE": "5",
    "WEBSOCKET_MAX_OPERATIONS": "3",
}


@functools.cache
def _private_key(_name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """Signs tokens and publishes its keys."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.fetches = 0
        self.down = False
        self.rotate("first")

    def rotate(self, key_id: str) -> None:
        self.keys[key_id] = _private_key(key_id)

    def fetch(self, url: str) -> Any:
        self.fetches += 1
        if self.down:
            raise requests.ConnectionError("down")
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/certs"}
        keys = []
        for key_id, key in self.keys.items():
            kind = (
                jwt.algorithms.ECAlgorithm
                if isinstance(key, ec.EllipticCurvePrivateKey)
                else jwt.algorithms.RSAAlgorithm
            )
            keys.append({**kind.to_jwk(key.public_key(), as_dict=True), "kid": key_id})
        return {"keys": keys}

    def token(self, *, key_id: str = "first", signer: Any = None, **claims: Any) -> str:
        now = time.time()
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "alice",
            "scp": f"openid {SCOPE}",
            "iat": int(now),
            "exp": int(now + 300),
        }
        payload.update(claims)
        payload = {name: value for name, value in payload.items() if value is not None}
        key = signer or self.keys[key_id]
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": key_id})

    def bearer(self, **claims: Any) -> str:
        return f"Bearer {self.token(**claims)}"


class FakeIngestion:
    def __init__(self) -> None:
        self.uploads: dict[str, Upload] = {}
        self.confirmed: list[tuple[str, int, str, str]] = []

    def start(self, filename: str, content_type: str, correlation_id: str) -> dict[str, Any]:
        if content_type not in ("image/jpeg", "image/png", "image/webp"):
            raise ApiError(ErrorCode.BAD_USER_INPUT, f"{content_type} is not taken.")
        if filename == "explode":
            raise RuntimeError("secret detail")
        id = str(uuid.uuid4())
        key = f"images/2026/11/21/{id}.jpg"
        self.uploads[id] = Upload(id, key, correlation_id)
        return {
            "uploadId": id,
            "key": key,
            "putUrl": f"https://storage.test/{key}",
            "expiresAt": "2026-11-21T00:05:00Z",
        }

    def confirm(
        self, upload_id: str, size: int, checksum: str, correlation_id: str
    ) -> dict[str, Any]:
        self.confirmed.append((upload_id, size, checksum, correlation_id))
        return {"status": "Accepted"}

    def find(self, upload_id: str) -> Upload:
        if upload_id not in self.uploads:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such upload.")
        return self.uploads[upload_id]


class FakePublisher:
    def __init__(self) -> None:
        self.published: list[Effect] = []
        self.failure: Exception | None = None

    def publish(self, effect: Effect, timeout: float = 10.0) -> None:
        if self.failure:
            raise self.failure
        self.published.append(effect)

    def submit(self, effect: Effect) -> "Future[None]":
        self.publish(effect)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def ready(self) -> bool:
        return True

    def close(self, timeout: float = 10.0) -> None:
        pass


class FakeStream:
    def __init__(self) -> None:
        self._stop = threading.Event()
        self._running = threading.Event()
        self._on_message: Callable[[Message], None] = lambda _: None

    def run(self, on_message: Callable[[Message], None]) -> None:
        self._on_message = on_message
        self._running.set()
        self._stop.wait()

    def stop(self) -> None:
        self._stop.set()

    def ready(self) -> bool:
        return self._running.is_set()

    def deliver(self, message: Message) -> None:
        self._running.wait(5)
        self._on_message(message)


@dataclass
class World:
    issuer: Issuer = field(default_factory=Issuer)
    ingestion: FakeIngestion = field(default_factory=FakeIngestion)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    stream: FakeStream = field(default_factory=FakeStream)
    port: int = 0

    def adapters(self) -> Adapters:
        keys = OidcKeys(ISSUER, self.issuer.fetch)
        return Adapters(keys, self.ingestion, self.publisher, self.stream)

    def gateway(self, **overrides: str) -> Gateway:
        return Gateway(load(Settings, {**ENVIRONMENT, **overrides}), self.adapters())

    def post(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        authorization: str | None = "",
        **headers: str,
    ) -> requests.Response:
        if authorization == "":
            authorization = self.issuer.bearer()
        if authorization is not None:
            headers["Authorization"] = authorization
        return requests.post(
            f"http://127.0.0.1:{self.port}/graphql",
            json={"query": query, "variables": variables},
            headers=headers,
            timeout=10,
        )

    def correlation_id(self, owner: str = "alice") -> str:
        return ownership.mint(KEY.encode(), owner)

    def started(self, correlation_id: str, object_key: str = "images/a.jpg", id: str = "") -> None:
        self.stream.deliver(
            Message(
                AnalysisStarted(object_key=object_key, correlation_id=correlation_id).to_bytes(),
                message_id=id or str(uuid.uuid4()),
                correlation_id=correlation_id,
                source="analysis.started",
            )
        )

    def completed(self, correlation_id: str, object_key: str = "images/a.jpg") -> None:
        body = AnalysisCompleted(
            success=True,
            recognition_payload=RecognitionPayload(
                provider=Provider(name="ocr", api_version="1", featureset="TEXT", max_results=1),
                aggregate=Aggregate(brand="Volvo", model="EC220", confidence=0.9),
            ),
            object_key=object_key,
        )
        self.stream.deliver(
            Message(
                body.to_bytes(),
                message_id=str(uuid.uuid4()),
                correlation_id=correlation_id,
                source="analysis.completed",
            )
        )


@contextmanager
def serving(world: World, **overrides: str) -> Iterator[Gateway]:
    gateway = world.gateway(**overrides)
    gateway.start()
    server = make_server("127.0.0.1", 0, gateway.app, threaded=True)
    world.port = server.server_port
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    deadline = time.monotonic() + 5
    while not gateway.health.ready()[0] and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield gateway
    finally:
        gateway.drain()
        gateway.stop()
        server.shutdown()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def gateway(world: World, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """With other settings where the test gives them, by indirect parametrization."""
    with serving(world, **getattr(request, "param", {})) as running:
        yield running


@pytest.fixture
def connect(
    world: World, gateway: Gateway, dial: Callable[..., Any]
) -> Iterator[Callable[..., Any]]:
    clients: list[Any] = []

    def connected(authorization: str | None = None, **options: Any) -> Any:
        client = dial(world.port, authorization, **options)
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def run() -> Callable[..., Any]:
    return serving
