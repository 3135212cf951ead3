"""What the door adds to an answer, what it takes from a request, and which id it gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from client_console import graphql
from tests.door import http2
from tests.door.wire import Wire, request
from tests.support.platform import Account, Platform

row = pytest.mark.row
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TELLING = {"server", "via", "x-powered-by", "x-kong-request-id", "x-kong-upstream-latency"}
PING = json.dumps({"query": graphql.PING}).encode()

Ask = Callable[..., http2.Stream]


@pytest.fixture(scope="module")
def ask(wire: Wire, host: str) -> Ask:
    """One request over HTTP/2."""

    def once(
        method: str, path: str, *headers: tuple[str, str], body: bytes = b"", prefix: str = ""
    ) -> http2.Stream:
        (stream,) = http2.ask(wire, prefix + host, [(method, path, list(headers), body)])
        return stream

    return once


@pytest.fixture(scope="module")
def by_status(ask: Ask, alice: Account) -> dict[int, http2.Stream]:
    """One answer of each kind, over HTTP/2; h2 has checked that each is allowed there."""
    bearer = ("authorization", f"Bearer {alice.token()}")
    json_type = ("content-type", "application/json")
    found = [
        ask("POST", "/graphql", bearer, json_type, body=PING),
        ask("GET", "/graphql"),
        ask("GET", "/nowhere"),
        ask("GET", "/graphql/a%2fb"),
    ]
    return {stream.status: stream for stream in found}


@row("http2")
def test_a_strict_client_takes_every_answer(by_status: dict[int, http2.Stream]) -> None:
    assert sorted(by_status) == [200, 400, 401, 404]
    for stream in by_status.values():
        for name, value in stream.headers:
            assert name == name.lower()
            assert value == value.strip()


@row("telling")
def test_the_door_does_not_say_what_it_is_made_of(by_status: dict[int, http2.Stream]) -> None:
    for stream in by_status.values():
        assert not TELLING & dict(stream.headers).keys(), stream.headers
        assert not re.search(rb"nginx|openresty|kong|traefik", stream.body, re.IGNORECASE)


@row("security-headers")
@pytest.mark.parametrize("status", [200, 401, 404])
def test_security_headers_stand_once(by_status: dict[int, http2.Stream], status: int) -> None:
    stream = by_status[status]
    assert stream.all("strict-transport-security") == ["max-age=31536000"]
    assert stream.all("x-content-type-options") == ["nosniff"]


@row("security-headers")
def test_a_backend_that_says_it_itself_is_not_said_twice(ask: Ask) -> None:
    page = ask("GET", "/realms/trackunit/.well-known/openid-configuration", prefix="login.")
    assert page.status == 200
    assert len(page.all("strict-transport-security")) == 1
    assert len(page.all("x-content-type-options")) == 1


@row("security-headers-early")
def test_a_refusal_of_the_parser_has_them_too(by_status: dict[int, http2.Stream]) -> None:
    assert by_status[400].all("strict-transport-security") == ["max-age=31536000"]
    assert len(by_status[400].all("x-correlation-id")) == 1


@row("correlation-id")
@pytest.mark.parametrize("status", [200, 401, 404])
def test_an_id_is_made(by_status: dict[int, http2.Stream], status: int) -> None:
    (made,) = by_status[status].all("x-correlation-id")
    assert UUID.fullmatch(made)


@row("correlation-id")
def test_a_sane_id_is_kept(ask: Ask) -> None:
    given = "of-a.client:1_2"
    assert ask("GET", "/graphql", ("x-correlation-id", given)).all("x-correlation-id") == [given]


@row("correlation-id")
@pytest.mark.parametrize("given", ["a b", "-a", "x" * 129, '"><script>', "${jndi:x}", ""])
def test_rubbish_is_replaced(ask: Ask, given: str) -> None:
    (made,) = ask("GET", "/graphql", ("x-correlation-id", given)).all("x-correlation-id")
    assert UUID.fullmatch(made)


@row("correlation-id")
def test_two_ids_are_none(wire: Wire, host: str) -> None:
    said = ["X-Correlation-ID: a", "X-Correlation-ID: b", "Connection: close"]
    (answer,) = wire.say(host, request("GET", "/graphql", host, *said))
    (made,) = answer.all("X-Correlation-ID")
    assert UUID.fullmatch(made)


@row("correlation-id")
def test_a_refused_body_has_an_id_and_the_headers_once(wire: Wire, host: str) -> None:
    said = ["X-Correlation-ID: long-1", "Content-Length: 1048577", "Connection: close"]
    (answer,) = wire.say(host, request("POST", "/graphql", host, *said))
    assert answer.status == 413
    assert answer.all("X-Correlation-ID") == ["long-1"]
    assert len(answer.all("Strict-Transport-Security")) == 1


SPOOFED = [
    ("x-forwarded-for", "127.0.0.1"),
    ("x-real-ip", "127.0.0.1"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-port", "8443"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-uri", "/graphql"),
    ("x-forwarded-method", "GET"),
    ("forwarded", "host=evil.example;proto=http;for=127.0.0.1"),
    ("x-original-url", "/graphql"),
    ("x-rewrite-url", "/graphql"),
    ("gap-auth", "alice"),
    ("gap-signature", "sha1 x"),
    ("x-auth-request-user", "alice"),
    ("x-auth-request-email", "alice@example.org"),
    ("x-forwarded-user", "alice"),
    ("x-forwarded-email", "alice@example.org"),
    ("x_forwarded_host", "evil.example"),
    ("x_auth_request_user", "alice"),
]


@row("spoofing")
@pytest.mark.parametrize(("name", "value"), SPOOFED)
def test_nobody_is_let_in_for_a_header(ask: Ask, name: str, value: str) -> None:
    json_type = ("content-type", "application/json")
    assert ask("POST", "/graphql", (name, value), json_type, body=PING).status in (400, 401)


@row("spoofing")
def test_no_header_changes_what_the_issuer_says_it_is(ask: Ask, platform: Platform) -> None:
    path = "/realms/trackunit/.well-known/openid-configuration"
    plain = ask("GET", path, prefix="login.")
    assert json.loads(plain.body)["issuer"] == platform.config.issuer
    assert ask("GET", path, *SPOOFED, prefix="login.").body == plain.body


# Behind a load balancer that hides addresses, the limit is every client's.
@pytest.mark.disturbs
@row("rate-limit")
def test_too_many_requests_are_refused_for_a_while(wire: Wire, host: str, ask: Ask) -> None:
    streams = http2.ask(wire, host, [("GET", "/graphql", [], b"")] * 1500)
    refused = [stream for stream in streams if stream.status == 429]
    assert refused, "1,500 at once are too many"
    assert {stream.status for stream in streams} == {401, 429}
    for stream in refused[:3]:
        assert len(stream.all("x-correlation-id")) == 1
        assert len(stream.all("strict-transport-security")) == 1
        assert not TELLING & dict(stream.headers).keys()
    # The limit on this test's own time is that it comes back at all.
    while ask("GET", "/graphql").status == 429:
        pass
