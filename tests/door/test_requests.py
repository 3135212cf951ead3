"""Requests that two HTTP parsers could understand in two ways, and what is too long."""

from __future__ import annotations

import uuid

import pytest

from tests.door.conftest import NAMESPACE
from tests.door.wire import Wire, request
from tests.support.cluster import Cluster, Workload
from tests.support.tricks import CHUNKS, HIDDEN, MALFORMED, SMUGGLED, TWO_FRAMINGS

row = pytest.mark.row
MIB = 1024 * 1024


def hidden_requests(cluster: Cluster, door: Workload, mark: str) -> list[str]:
    """Lines of the door and of what stands behind it that tell of the hidden request."""
    found = []
    for workload in (
        door,
        Workload(NAMESPACE, "oauth2-proxy"),
        Workload("graph-gateway", "graph-gateway"),
    ):
        for pod in cluster.pods(workload):
            log = cluster.core.read_namespaced_pod_log(
                pod.metadata.name,
                workload.namespace,
                container=pod.spec.containers[-1].name,
                since_seconds=300,
            )
            found += [line for line in log.splitlines() if f"hidden={mark}" in line or mark in line]
    return found


def smuggled(
    wire: Wire, host: str, cluster: Cluster, door: Workload, tricks: dict[str, list[str]]
) -> dict[str, object]:
    """What came of each trick: all are tried first, then the logs are looked into once."""
    marks, wrong = {}, {}
    for name, headers in tricks.items():
        marks[name] = uuid.uuid4().hex
        body = CHUNKS + HIDDEN.format(mark=marks[name], host=host)
        said = [header.format(length=len(body)) for header in headers]
        answers = wire.say(host, request("POST", "/graphql", host, *said, body=body.encode()))
        # One answer at most; what was hidden may count as a body (401), but never as a request.
        statuses = [answer.status for answer in answers]
        if len(statuses) > 1 or not set(statuses) <= {400, 401, 501}:
            wrong[name] = statuses
    told = {name: hidden_requests(cluster, door, mark) for name, mark in marks.items()}
    return wrong | {name: lines for name, lines in told.items() if lines}


@row("smuggling")
def test_no_second_request_comes_out_of_one(
    wire: Wire, host: str, cluster: Cluster, door: Workload
) -> None:
    assert smuggled(wire, host, cluster, door, SMUGGLED) == {}


@row("two-framings")
def test_a_request_with_two_lengths_is_refused(
    wire: Wire, host: str, cluster: Cluster, door: Workload
) -> None:
    assert smuggled(wire, host, cluster, door, TWO_FRAMINGS) == {}


@row("malformed")
@pytest.mark.parametrize("raw", MALFORMED)
def test_a_malformed_request_is_refused(wire: Wire, host: str, raw: str) -> None:
    answers = wire.say(host, raw.format(host=host).encode("latin-1"))
    assert all(answer.status in (400, 404, 405, 414, 505) for answer in answers), answers
    assert len(answers) <= 1


@row("host-mismatch")
@pytest.mark.parametrize(
    ("target", "name"),
    [("https://other.example/graphql", "{host}"), ("/graphql", "other.example")],
)
def test_only_the_host_that_was_shaken_hands_for(
    wire: Wire, host: str, target: str, name: str
) -> None:
    (answer,) = wire.say(host, request("GET", target, name.format(host=host), "Connection: close"))
    assert answer.status in (400, 403, 404, 421), answer


@row("separators")
@pytest.mark.parametrize("code", ["2f", "2F", "5c", "25", "3f", "23", "00", "3b"])
def test_encoded_separators_are_refused(wire: Wire, host: str, code: str) -> None:
    for target in (f"/graphql/a%{code}b", f"/realms/trackunit/..%{code}master"):
        (answer,) = wire.say(host, request("GET", target, host, "Connection: close"))
        assert answer.status == 400, target


@row("methods")
@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_no_trace_and_no_tunnel(wire: Wire, host: str, method: str) -> None:
    target = f"{host}:443" if method == "CONNECT" else "/graphql"
    answers = wire.say(host, request(method, target, host, "X-Echo: marked", "Connection: close"))
    assert all(answer.status in (400, 404, 405, 501) for answer in answers), answers
    assert not any(b"marked" in answer.body for answer in answers)


@row("long-bodies")
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("prefix", "method", "target", "limit"),
    [("", "POST", "/graphql", MIB), ("storage.", "PUT", "/tu-images/a.png", 10 * MIB)],
)
def test_a_long_body_is_refused(
    wire: Wire, host: str, prefix: str, method: str, target: str, limit: int, chunked: bool
) -> None:
    content = b"x" * (limit + 1)
    # Where the length is announced the answer comes before the body, which is left away: closed on
    # unread bytes, a connection may lose its answer.
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content) if chunked else b""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(content)}"
    name = prefix + host
    (answer,) = wire.say(
        name, request(method, target, name, length, "Connection: close", body=body)
    )
    assert answer.status == 413


@row("long-headers")
def test_long_headers_are_refused(wire: Wire, host: str) -> None:
    said = ["A: " + "x" * 6_000, "Connection: close"]
    assert [
        answer.status for answer in wire.say(host, request("GET", "/graphql", host, *said))
    ] == [401]
    many = [f"A{number}: " + "x" * 4_000 for number in range(40)]
    answers = wire.say(host, request("GET", "/graphql", host, *many, "Connection: close"))
    assert all(answer.status in (400, 431, 494) for answer in answers), answers
