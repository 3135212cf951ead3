"""Keys, the REST client, documents and events by themselves."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from graphql import get_introspection_query

from graph_gateway import schema
from graph_gateway.documents import Documents, Limits
from graph_gateway.errors import ApiError, ErrorCode, RequestError
from graph_gateway.events import AnalysisEvent, EventHub, EventReader, Interest, Kind
from graph_gateway.ingestion import IngestionClient
from graph_gateway.keys import OidcKeys
from graph_gateway.tokens import KeysUnavailableError, TokenVerifier, UnknownKeyError
from tu_common.messaging import InvalidMessage, Message


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# --- keys


def test_unknown_keys_are_looked_for_but_not_too_often(world: Any) -> None:
    clock = Clock()
    issuer = world.issuer
    keys = OidcKeys("https://issuer.test/realms/trackunit", issuer.fetch, clock=clock)
    assert keys.key("first")
    fetched = issuer.fetches
    issuer.rotate("second")
    for _ in range(5):
        with pytest.raises(UnknownKeyError):
            keys.key("second")
    assert issuer.fetches == fetched
    clock.now += 31
    assert keys.key("second")


def test_keys_stay_while_the_issuer_is_down(world: Any) -> None:
    clock = Clock()
    keys = OidcKeys("https://issuer.test/realms/trackunit", world.issuer.fetch, clock=clock)
    keys.refresh()
    world.issuer.down = True
    clock.now += 4000
    assert not keys.refresh()
    assert keys.key("first")


def test_an_issuer_that_calls_itself_something_else_is_not_believed(world: Any) -> None:
    keys = OidcKeys("https://issuer.test/other", lambda _: {"issuer": "x", "jwks_uri": "y"})
    with pytest.raises(KeysUnavailableError):
        keys.key("first")
    assert not keys.loaded()


@pytest.mark.parametrize("claims", [{"scp": "openid access_as_user"}, {"scp": ["access_as_user"]}])
def test_es256_tokens_and_lists_of_scopes_are_accepted(world: Any, claims: Any) -> None:
    world.issuer.keys["curve"] = ec.generate_private_key(ec.SECP256R1())
    issuer = "https://issuer.test/realms/trackunit"
    verifier = TokenVerifier(
        OidcKeys(issuer, world.issuer.fetch),
        issuer=issuer,
        audience="api://other, api://trackunit",
        scope="api://trackunit/access_as_user",
    )
    caller = verifier.verify(world.issuer.token(key_id="curve", **claims))
    assert caller.subject == "alice"
    assert verifier.in_scope(caller)


# --- ingestion


class Rest:
    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.seen: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.seen.append((self.path, self.headers.get("X-Correlation-ID")))
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = outer.answers.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def client(self) -> IngestionClient:
        url = f"http://127.0.0.1:{self.server.server_port}"
        return IngestionClient(url, sleep=lambda _: None)


@pytest.fixture
def rest() -> Iterator[Rest]:
    server = Rest()
    yield server
    server.server.shutdown()


def test_the_correlation_id_travels_and_busy_pods_are_asked_again(rest: Rest) -> None:
    rest.answers = [(503, b""), (200, b'{"uploadId": "1"}')]
    assert rest.client().start("a.jpg", "image/jpeg", "corr") == {"uploadId": "1"}
    assert rest.seen == [("/v1/uploads/start", "corr")] * 2


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (422, b'{"detail": "too large"}', ErrorCode.BAD_USER_INPUT, "too large"),
        (422, b'{"error": {"message": "bad"}}', ErrorCode.BAD_USER_INPUT, "bad"),
        (404, b"", ErrorCode.NOT_FOUND, "no such upload"),
        (500, b"<secret>", ErrorCode.UPSTREAM_UNAVAILABLE, "try again"),
        (200, b"nonsense", ErrorCode.UPSTREAM_UNAVAILABLE, "try again"),
        (302, b"", ErrorCode.UPSTREAM_UNAVAILABLE, "try again"),
    ],
)
def test_answers_become_errors(
    rest: Rest, status: int, body: bytes, code: ErrorCode, message: str
) -> None:
    rest.answers = [(status, body)]
    with pytest.raises(ApiError, match=message) as caught:
        rest.client().confirm("id", 1, "sha256:0", "corr")
    assert caught.value.code is code
    assert "secret" not in caught.value.message


def test_nobody_there() -> None:
    client = IngestionClient("http://127.0.0.1:9", sleep=lambda _: None)
    with pytest.raises(ApiError) as caught:
        client.find("x")
    assert caught.value.code is ErrorCode.UPSTREAM_UNAVAILABLE


# --- documents


def test_the_usual_introspection_passes_and_is_cached() -> None:
    documents = Documents(schema.build(), Limits())
    query = get_introspection_query()
    assert documents.prepare(query) is documents.prepare(query)


def test_fragments_that_double_are_measured_expanded() -> None:
    fragments = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(20))
    query = f"{{ ...F0 }} {fragments} fragment F20 on Query {{ ping }}"
    with pytest.raises(RequestError, match="fields"):
        Documents(schema.build(), Limits()).prepare(query)


def test_depth_is_limited() -> None:
    limits = Limits(max_depth=3)
    query = "subscription { onAnalysisCompleted { recognitionPayload { provider { name } } } }"
    with pytest.raises(RequestError, match="4 levels deep, 3 are allowed"):
        Documents(schema.build(), limits).prepare(query)


# --- events


def event(id: str, correlation_id: str = "c", kind: Kind = Kind.STARTED) -> AnalysisEvent:
    return AnalysisEvent(kind, id, correlation_id, f"key-{id}", {"objectKey": f"key-{id}"})


def test_old_events_are_forgotten_and_their_ids_too() -> None:
    async def scenario() -> None:
        clock = Clock()
        hub = EventHub(lambda *_: True, keep_seconds=10, clock=clock)
        hub.publish(event("1"))
        clock.now = 8
        hub.publish(event("2"))
        clock.now = 12
        subscription = hub.subscribe(Interest(Kind.STARTED, "alice", correlation_id="c"))
        assert (await anext(subscription))["onAnalysisStarted"]["objectKey"] == "key-2"
        hub.publish(event("1"))
        assert (await anext(subscription))["onAnalysisStarted"]["objectKey"] == "key-1"
        await subscription.aclose()
        assert [item async for item in subscription] == []

    asyncio.run(scenario())


def test_the_buffer_is_bounded() -> None:
    async def scenario() -> None:
        hub = EventHub(lambda *_: True, keep_events=3)
        for n in range(10):
            hub.publish(event(str(n)))
        assert len(hub._recent) == 3
        assert len(hub._seen) <= 3

    asyncio.run(scenario())


READER = EventReader("analysis.started", "analysis.completed")


def test_the_object_key_and_correlation_id_may_come_from_the_envelope() -> None:
    read = READER.read(
        Message(
            b'{"success": false, "recognitionPayload": null}',
            message_id="m",
            correlation_id="c",
            key="images/a.jpg",
            source="analysis.completed",
        )
    )
    assert (read.kind, read.correlation_id, read.object_key) == (
        Kind.COMPLETED,
        "c",
        "images/a.jpg",
    )
    assert read.payload["objectKey"] == "images/a.jpg"


@pytest.mark.parametrize(
    "message",
    [
        Message(b"{", source="analysis.started"),
        Message(b"{}", source="analysis.started"),
        Message(b'{"objectKey": "k"}', source="something.else"),
    ],
)
def test_what_is_no_event_is_said_to_be_none(message: Message) -> None:
    with pytest.raises(InvalidMessage):
        READER.read(message)
