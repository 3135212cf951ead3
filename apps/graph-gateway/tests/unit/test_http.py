"""GraphQL over HTTP: tokens, scope, limits and errors."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from graph_gateway.bootstrap import Gateway
from tu_common import ownership
from tu_common.messages import SCHEMA_ANALYSIS_COMMAND, AnalysisCommand
from tu_common.messaging import TransientError

pytestmark = pytest.mark.usefixtures("gateway")

START = """mutation ($name: String!, $type: String!) {
  startUpload(filename: $name, contentType: $type) {
    correlationId imageUploadPayload { uploadId key putUrl expiresAt } } }"""
CONFIRM = """mutation ($id: String!) {
  confirmUpload(uploadId: $id, bytes: 5, checksum: "sha256:00") { status } }"""
REQUEST = "mutation ($key: String!) { requestAnalysis(objectKey: $key) { correlationId } }"
KEY = ("k" * 32).encode()


def code(answer: requests.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


def start(world: Any, **options: Any) -> Any:
    answer = world.post(START, {"name": "a.jpg", "type": "image/jpeg"}, **options)
    return answer.json()["data"]["startUpload"]


def test_ping(world: Any) -> None:
    answer = world.post("{ ping }")
    assert (answer.status_code, answer.json()) == (200, {"data": {"ping": "pong"}})


def test_ping_needs_a_token_but_no_scope(world: Any) -> None:
    assert world.post("{ ping }", authorization=world.issuer.bearer(scp="x")).status_code == 200


def test_ping_by_get(world: Any) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{world.port}/graphql",
        params={"query": "{ ping }"},
        headers={"Authorization": world.issuer.bearer()},
        timeout=5,
    )
    assert answer.json() == {"data": {"ping": "pong"}}


def test_get_without_a_token_is_401(world: Any) -> None:
    answer = requests.get(f"http://127.0.0.1:{world.port}/graphql", timeout=5)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="graphql"'
    assert code(answer) == "UNAUTHENTICATED"


def _bad_tokens(issuer: Any) -> dict[str, str | None]:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "none": None,
        "not a bearer token": "Basic YTpi",
        "not a token": "Bearer abc",
        "expired": issuer.bearer(exp=int(time.time()) - 60),
        "not yet valid": issuer.bearer(nbf=int(time.time()) + 90),
        "other audience": issuer.bearer(aud="api://other"),
        "no audience": issuer.bearer(aud=None),
        "other issuer": issuer.bearer(iss="https://evil.test"),
        "no expiry": issuer.bearer(exp=None),
        "no subject": issuer.bearer(sub=None),
        "bad signature": issuer.bearer(signer=stranger),
        "unknown key": issuer.bearer(signer=stranger, key_id="stranger"),
        "no algorithm": "Bearer eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ.e30.",
        "too long": "Bearer " + "a" * 20_000,
    }


def test_tokens_that_are_not_accepted_are_401(gateway: Gateway, world: Any) -> None:
    client = gateway.app.test_client()
    for what, authorization in _bad_tokens(world.issuer).items():
        headers = {"Authorization": authorization} if authorization else {}
        answer = client.post("/graphql", json={"query": "{ ping }"}, headers=headers)
        assert answer.status_code == 401, what
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), what
        assert answer.get_json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", what


def test_without_the_scope_the_operation_is_403(world: Any) -> None:
    answer = world.post(
        START,
        {"name": "a.jpg", "type": "image/jpeg"},
        authorization=world.issuer.bearer(scp="openid"),
    )
    assert (answer.status_code, code(answer)) == (403, "FORBIDDEN")
    assert "data" not in answer.json()


def test_the_scope_is_looked_for_through_fragments(world: Any) -> None:
    query = """mutation { ...A } fragment A on Mutation { ... on Mutation {
      x: requestAnalysis(objectKey: "k") { correlationId } } }"""
    assert world.post(query, authorization=world.issuer.bearer(scp="")).status_code == 403


def test_start_upload_mints_an_id_of_the_caller(world: Any) -> None:
    upload = start(world)
    assert ownership.owns(KEY, upload["correlationId"], "alice")
    assert not ownership.owns(KEY, upload["correlationId"], "bob")
    assert set(upload["imageUploadPayload"]) == {"uploadId", "key", "putUrl", "expiresAt"}


def test_input_that_ingestion_refuses(world: Any) -> None:
    answer = world.post(START, {"name": "a.gif", "type": "image/gif"})
    assert (answer.status_code, code(answer)) == (200, "BAD_USER_INPUT")
    assert "image/gif" in answer.json()["errors"][0]["message"]


def test_confirm_is_for_the_owner(world: Any) -> None:
    upload = start(world)
    id = upload["imageUploadPayload"]["uploadId"]
    answer = world.post(CONFIRM, {"id": id}, authorization=world.issuer.bearer(sub="bob"))
    assert code(answer) == "FORBIDDEN"
    assert world.ingestion.confirmed == []
    assert world.post(CONFIRM, {"id": id}).json()["data"] == {
        "confirmUpload": {"status": "Accepted"}
    }
    assert world.ingestion.confirmed == [(id, 5, "sha256:00", upload["correlationId"])]


@pytest.mark.parametrize("id", ["../admin", "", "6f1c0b0e-0000-4000-8000-000000000000"])
def test_confirm_of_an_unknown_upload(world: Any, id: str) -> None:
    assert code(world.post(CONFIRM, {"id": id})) == "NOT_FOUND"


def test_request_analysis_publishes_a_confirmed_command(world: Any) -> None:
    upload = start(world)
    key = upload["imageUploadPayload"]["key"]
    answer = world.post(REQUEST, {"key": key})
    assert answer.json()["data"]["requestAnalysis"]["correlationId"] == upload["correlationId"]
    (effect,) = world.publisher.published
    assert (effect.destination, effect.routing_key) == ("analysis.commands", "analysis.request")
    assert AnalysisCommand.read(effect.message.body).object_key == key
    assert effect.message.headers["x-schema"] == SCHEMA_ANALYSIS_COMMAND
    assert effect.message.correlation_id == upload["correlationId"]
    assert effect.message.message_id


def test_request_analysis_is_for_the_owner_and_known_keys(world: Any) -> None:
    key = start(world)["imageUploadPayload"]["key"]
    bob = world.issuer.bearer(sub="bob")
    assert code(world.post(REQUEST, {"key": key}, authorization=bob)) == "FORBIDDEN"
    for unknown in ("nothing", key.replace("2026", "2025"), "images/../secret.jpg"):
        assert code(world.post(REQUEST, {"key": unknown})) == "NOT_FOUND"
    assert world.publisher.published == []


def test_a_broker_that_is_down(world: Any) -> None:
    key = start(world)["imageUploadPayload"]["key"]
    world.publisher.failure = TransientError("amqp://user:secret@host")
    answer = world.post(REQUEST, {"key": key})
    assert code(answer) == "UPSTREAM_UNAVAILABLE"
    assert "secret" not in answer.text


def test_nothing_internal_is_told(world: Any) -> None:
    answer = world.post(START, {"name": "explode", "type": "image/png"})
    assert code(answer) == "INTERNAL"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


NESTED = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
REFUSED = {
    "{": "GRAPHQL_PARSE_FAILED",
    "{ nothing }": "GRAPHQL_VALIDATION_FAILED",
    NESTED: "GRAPHQL_VALIDATION_FAILED",
    "{ " + " ".join(f"a{n}: ping" for n in range(16)) + " }": "GRAPHQL_VALIDATION_FAILED",
    "{" + "a{" * 600 + "b" + "}" * 600 + "}": "GRAPHQL_PARSE_FAILED",
    "{ " + "ping " * 3000 + "}": "GRAPHQL_PARSE_FAILED",
    "{ " + "ping " * 5000 + "}": "GRAPHQL_VALIDATION_FAILED",
    "": "BAD_USER_INPUT",
    "query A { ping } query B { ping }": "BAD_USER_INPUT",
    "subscription { onAnalysisStarted { objectKey } }": "BAD_USER_INPUT",
}


@pytest.mark.parametrize("query", REFUSED)
def test_requests_that_are_refused_as_a_whole(world: Any, query: str) -> None:
    strict = world.post(query, Accept="application/graphql-response+json")
    assert (strict.status_code, code(strict)) == (400, REFUSED[query])
    assert strict.headers["Content-Type"] == "application/graphql-response+json"
    assert code(world.post(query)) == REFUSED[query]


def test_wrong_variables_are_bad_user_input(world: Any) -> None:
    assert code(world.post(START, {"name": 1, "type": "image/png"})) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 5000, "application/json"),
        (b'"x"', "application/json"),
        (b'{"query": 5}', "application/json"),
        (b'{"query": "{ ping }", "variables": []}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"query={ping}", "application/x-www-form-urlencoded"),
        (b"{}", ""),
    ],
)
def test_bodies_that_cannot_be_read_are_400(world: Any, body: bytes, content_type: str) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{world.port}/graphql",
        data=body,
        headers={"Content-Type": content_type, "Authorization": world.issuer.bearer()},
        timeout=5,
    )
    assert (answer.status_code, code(answer)) == (400, "BAD_USER_INPUT")


def test_a_body_that_is_too_big_is_413(gateway: Gateway, world: Any) -> None:
    answer = gateway.app.test_client().post(
        "/graphql",
        json={"query": "x" * 70_000},
        headers={"Authorization": world.issuer.bearer()},
    )
    assert answer.status_code == 413


def test_mutations_are_not_taken_by_get(gateway: Gateway, world: Any) -> None:
    answer = gateway.app.test_client().get(
        "/graphql",
        query_string={"query": 'mutation { requestAnalysis(objectKey: "k") { correlationId } }'},
        headers={"Authorization": world.issuer.bearer()},
    )
    assert answer.status_code == 405


def test_other_paths_and_methods(gateway: Gateway) -> None:
    client = gateway.app.test_client()
    assert client.get("/").status_code == 404
    assert client.delete("/graphql").status_code == 405


def test_health_and_metrics(gateway: Gateway, world: Any) -> None:
    client = gateway.app.test_client()
    assert client.get("/health/ready").status_code == 200
    assert client.get("/health/live").status_code == 200
    world.post("{ ping }")
    assert 'field="ping",outcome="ok"' in client.get("/metrics").get_data(as_text=True)


def test_not_ready_and_503_without_the_issuers_keys(world: Any, run: Callable[..., Any]) -> None:
    world.issuer.down = True
    gateway = world.gateway()
    client = gateway.app.test_client()
    assert client.get("/health/ready").status_code == 503
    headers = {"Authorization": world.issuer.bearer()}
    assert client.post("/graphql", json={"query": "{ping}"}, headers=headers).status_code == 503


def test_introspection_is_a_setting(world: Any) -> None:
    query = "{ __schema { queryType { name } } }"
    assert world.post(query).json()["data"]["__schema"]["queryType"]["name"] == "Query"
    closed = world.gateway(GRAPHQL_INTROSPECTION="false").app.test_client()
    headers = {"Authorization": world.issuer.bearer()}
    answer = closed.post("/graphql", json={"query": query}, headers=headers)
    assert answer.get_json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
