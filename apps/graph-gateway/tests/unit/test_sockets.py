"""The WebSocket protocol against a running server."""

import time
from collections.abc import Callable
from typing import Any

import pytest

STARTED = "subscription { onAnalysisStarted { objectKey correlationId } }"
STARTED_ONE = """subscription One($id: String, $key: String) {
  onAnalysisStarted(correlationId: $id, objectKey: $key) { objectKey correlationId } }"""
COMPLETED = """subscription { onAnalysisCompleted { success objectKey correlationId
  recognitionPayload { provider { name apiVersion featureset maxResults }
    aggregate { brand type model confidence isConfident typeConfidence typeSource name } } } }"""
START_UPLOAD = """mutation { startUpload(filename: "a.jpg", contentType: "image/jpeg") {
  correlationId imageUploadPayload { uploadId } } }"""

Connect = Callable[..., Any]


def settings(**values: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("gateway", [values], indirect=True)


# Only the tests that wait for a limit have a short one: a slow machine must not reach the others.
short_init = settings(WEBSOCKET_INIT_TIMEOUT="0.5")
frequent_pings = settings(WEBSOCKET_PING_INTERVAL="0.5")


def test_a_token_on_the_upgrade_is_enough(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    assert client.subprotocol == "graphql-transport-ws"
    client.subscribe("1", "{ ping }")
    assert client.receive() == {"id": "1", "type": "next", "payload": {"data": {"ping": "pong"}}}
    assert client.receive() == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
def test_a_token_in_connection_init_is_enough(world: Any, connect: Connect, name: str) -> None:
    client = connect()
    client.send(type="connection_init", payload={name: world.issuer.bearer()})
    assert client.receive() == {"type": "connection_ack"}


def test_no_token_at_all_is_4401(connect: Connect) -> None:
    client = connect()
    client.send(type="connection_init")
    assert client.closes_with() == 4401


def test_a_bad_token_on_the_upgrade_is_4401_at_once(connect: Connect) -> None:
    assert connect("Bearer nonsense").closes_with() == 4401


def test_a_bad_token_in_init_is_4403(world: Any, connect: Connect) -> None:
    client = connect()
    client.send(
        type="connection_init",
        payload={"Authorization": world.issuer.bearer(aud="api://other")},
    )
    assert client.closes_with() == 4403


def test_a_token_without_the_scope_is_4403(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer(scp="openid"))
    client.send(type="connection_init")
    assert client.closes_with() == 4403


def test_an_expiring_token_ends_the_socket_with_4403(world: Any, connect: Connect) -> None:
    # Thirty seconds of leeway are granted; this token has some of them left.
    client = connect(world.issuer.bearer(exp=int(time.time()) - 26)).init()
    client.subscribe("1", STARTED)
    assert client.closes_with() == 4403


def test_subscribing_before_init_is_4401(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer())
    client.subscribe("1", "{ ping }")
    assert client.closes_with() == 4401


@short_init
def test_no_init_in_time_is_4408(world: Any, connect: Connect) -> None:
    assert connect(world.issuer.bearer()).closes_with() == 4408


def test_another_subprotocol_is_4406(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer(), subprotocols=("graphql-ws",))
    assert client.closes_with() == 4406


def test_a_second_init_is_4429(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.send(type="connection_init")
    assert client.closes_with() == 4429


def test_an_id_in_use_is_4409(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.subscribe("1", STARTED)
    client.subscribe("1", STARTED)
    assert client.closes_with() == 4409


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"type":"hello"}', '{"type":"subscribe","id":"1"}', '{"type":"complete"}'],
)
def test_messages_that_make_no_sense_are_4400(world: Any, connect: Connect, text: str) -> None:
    client = connect(world.issuer.bearer()).init()
    client.send_text(text)
    assert client.closes_with() == 4400


def test_binary_messages_are_4400(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.send_bytes(b"\x00")
    assert client.closes_with() == 4400


def test_a_message_that_is_too_big_is_1009(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.send_text("x" * 70_000)
    assert client.closes_with() == 1009


@frequent_pings
def test_pings_are_answered_and_sent(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.send(type="ping")
    assert client.receive() == {"type": "pong"}
    client.wait_for_pings(client.pings + 2)


@frequent_pings
def test_a_client_that_is_gone_without_a_word_is_cut_off(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.answer_pings = False
    assert client.closes_with() == 1006


def test_own_events_arrive_and_those_of_others_do_not(world: Any, connect: Connect) -> None:
    alice = connect(world.issuer.bearer()).init()
    bob = connect(world.issuer.bearer(sub="bob")).init()
    for client in (alice, bob):
        client.subscribe("s", STARTED)
        client.subscribe("c", COMPLETED)
        client.settle()
    of_alice, of_bob = world.correlation_id("alice"), world.correlation_id("bob")
    world.started(of_alice, "images/alice.jpg")
    world.started(of_bob, "images/bob.jpg")
    world.started("not-a-correlation-id")
    world.completed(of_alice, "images/alice.jpg")
    assert alice.receive()["payload"]["data"] == {
        "onAnalysisStarted": {"objectKey": "images/alice.jpg", "correlationId": of_alice}
    }
    answer = alice.receive()["payload"]["data"]["onAnalysisCompleted"]
    assert answer["success"] is True
    assert answer["correlationId"] == of_alice
    assert answer["recognitionPayload"]["aggregate"]["brand"] == "Volvo"
    assert bob.receive()["payload"]["data"] == {
        "onAnalysisStarted": {"objectKey": "images/bob.jpg", "correlationId": of_bob}
    }
    bob.settle()


def test_what_was_missed_is_replayed_for_one_upload(world: Any, connect: Connect) -> None:
    mine, other = world.correlation_id(), world.correlation_id()
    world.started(other, "images/other.jpg")
    world.started(mine, "images/mine.jpg", id="first")
    world.started(mine, "images/mine.jpg", id="first")  # delivered twice
    client = connect(world.issuer.bearer()).init()
    client.subscribe("live", STARTED)
    client.settle()
    client.subscribe("by-id", STARTED_ONE, {"id": mine})
    assert client.receive()["id"] == "by-id"
    client.subscribe("by-key", STARTED_ONE, {"key": "images/other.jpg"})
    assert client.receive()["payload"]["data"]["onAnalysisStarted"]["correlationId"] == other
    client.settle()
    world.started(mine, "images/mine.jpg", id="second")
    assert {client.receive()["id"], client.receive()["id"]} == {"live", "by-id"}


def test_someone_elses_upload_cannot_be_followed(world: Any, connect: Connect) -> None:
    of_bob = world.correlation_id("bob")
    world.started(of_bob, "images/bob.jpg")
    client = connect(world.issuer.bearer()).init()
    client.subscribe("1", STARTED_ONE, {"id": of_bob})
    client.settle()


def test_complete_ends_a_subscription_and_frees_its_id(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.subscribe("1", STARTED)
    client.send(type="complete", id="1")
    client.send(type="complete", id="never-was")
    client.settle()
    world.started(world.correlation_id())
    client.settle()
    client.subscribe("1", "{ ping }")
    assert client.receive()["payload"] == {"data": {"ping": "pong"}}


def test_mutations_work_over_the_socket(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    client.subscribe("1", START_UPLOAD)
    assert client.receive()["payload"]["data"]["startUpload"]["correlationId"]
    assert client.receive() == {"id": "1", "type": "complete"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($id: Int) { onAnalysisStarted(correlationId: $id) { objectKey } }", ""),
    ],
)
def test_bad_operations_end_in_an_error_and_leave_the_socket_open(
    world: Any, connect: Connect, query: str, code: str
) -> None:
    client = connect(world.issuer.bearer()).init()
    client.subscribe("1", query)
    answer = client.receive()
    assert answer["type"] == "error"
    assert answer["payload"][0]["extensions"]["code"] == (code or "GRAPHQL_VALIDATION_FAILED")
    client.subscribe("1", "{ ping }")
    assert client.receive()["type"] == "next"


def test_too_many_operations_at_once_are_refused(world: Any, connect: Connect) -> None:
    client = connect(world.issuer.bearer()).init()
    for id in "abcd":
        client.subscribe(id, STARTED)
    answer = client.receive()
    assert (answer["id"], answer["type"]) == ("d", "error")
    assert answer["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


def test_a_slow_subscriber_is_ended_with_a_reason(
    world: Any, connect: Connect, gateway: Any
) -> None:
    client = connect(world.issuer.bearer()).init()
    client.subscribe("1", STARTED)
    client.settle()
    mine = world.correlation_id()
    events = [gateway._events.read(message) for message in _many(world, mine, 20)]

    def all_at_once() -> None:
        # On the loop itself, so that the subscriber cannot keep up however fast it is.
        for event in events:
            gateway.sockets._hub.publish(event)

    gateway.sockets._loop.call_soon_threadsafe(all_at_once)
    kinds = []
    while True:
        message = client.receive()
        kinds.append(message["type"])
        if message["type"] == "error":
            break
    assert message["payload"][0]["extensions"]["code"] == "SLOW_CONSUMER"
    assert len(kinds) < 20


def _many(world: Any, correlation_id: str, count: int) -> list[Any]:
    taken: list[Any] = []
    deliver, world.stream.deliver = world.stream.deliver, taken.append
    for _ in range(count):
        world.started(correlation_id)
    world.stream.deliver = deliver
    return taken


def test_draining_sends_everyone_away_with_1001(world: Any, connect: Connect, gateway: Any) -> None:
    clients = [connect(world.issuer.bearer()).init() for _ in range(3)]
    gateway.drain()
    assert [client.closes_with() for client in clients] == [1001] * 3
    assert gateway.health.ready()[0] is False
