"""What Kong's nginx includes, in a real nginx: each row that Kong itself has no setting for."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.kong.nginx import Nginx, program, running
from tests.support.backend import listening
from tests.support.door import HOSTS, render
from tests.support.tricks import CHUNKS, HIDDEN, MALFORMED, SMUGGLED, TWO_FRAMINGS

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
SIGNATURE = "X-Amz-Signature=5ec2e7"
DRAINING = "draining"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    binary = program(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rendered = render(
        tmp_path_factory.mktemp("door"),
        front_door_port=port,
        front_door_draining_file=str(folder / DRAINING),
        kong_body_bytes=100_000,
    )
    with listening() as backend, running(binary, folder, port, rendered, backend) as found:
        yield found


def values(headers: list[tuple[str, str]], name: str) -> list[str]:
    return [value for found, value in headers if found.lower() == name.lower()]


def logged(nginx: Nginx, correlation_id: str) -> dict[str, Any]:
    """The line of the access log about one request; nginx writes it after it has answered."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for line in nginx.access_log.splitlines():
            found: dict[str, Any] = json.loads(line)
            if found["correlation_id"] == correlation_id:
                return found
        time.sleep(0.05)
    raise AssertionError(f"{correlation_id} is not in\n{nginx.access_log}")


@pytest.mark.parametrize("sni", [None, "other.example", "kong.example"])
def test_another_host_gets_no_handshake(nginx: Nginx, sni: str | None) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized"):
        nginx.connect(sni)


@pytest.mark.parametrize("host", HOSTS)
def test_our_hosts_do(nginx: Nginx, host: str) -> None:
    with nginx.connect(host) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("host", [HOSTS[0], "other.example"])
def test_plain_http_gets_nothing(nginx: Nginx, host: str) -> None:
    nginx.seen.clear()
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=30) as connection:
        connection.sendall(f"GET /graphql HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert connection.recv(1024) == b""
    assert nginx.seen == []


def raw(nginx: Nginx, request: bytes) -> list[int]:
    """The statuses of all answers to what is sent as it stands."""
    with nginx.connect() as connection:
        connection.settimeout(2)
        connection.sendall(request)
        received = b""
        with suppress(OSError):
            while found := connection.recv(65536):
                received += found
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", received)]


@pytest.mark.parametrize("name", [*SMUGGLED, *TWO_FRAMINGS])
def test_a_body_of_doubtful_length_makes_no_request(nginx: Nginx, name: str) -> None:
    nginx.seen.clear()
    body = CHUNKS + HIDDEN.format(mark="hidden", host=HOSTS[0])
    headers = [line.format(length=len(body)) for line in (SMUGGLED | TWO_FRAMINGS)[name]]
    lines = ["POST /graphql HTTP/1.1", f"Host: {HOSTS[0]}", *headers, "", body]
    statuses = raw(nginx, "\r\n".join(lines).encode("latin-1"))
    assert len(statuses) <= 1
    assert not any("hidden" in seen.target for seen in nginx.seen)
    if name in TWO_FRAMINGS:
        assert statuses in ([400], [501])


@pytest.mark.parametrize("request_", MALFORMED)
def test_a_malformed_request_is_refused(nginx: Nginx, request_: str) -> None:
    nginx.seen.clear()
    statuses = raw(nginx, request_.format(host=HOSTS[0]).encode("latin-1"))
    assert len(statuses) <= 1
    assert set(statuses) <= {400, 404, 405, 414, 505}
    assert nginx.seen == []


def test_no_trace_and_no_tunnel(nginx: Nginx) -> None:
    nginx.seen.clear()
    assert nginx.ask("/graphql", method="TRACE")[0] == 405
    assert nginx.ask("graphql.local:443", method="CONNECT")[0] in (400, 405)
    assert nginx.seen == []


@pytest.mark.parametrize("code", ["2f", "2F", "5c", "25", "3f", "23", "00", "3b"])
@pytest.mark.parametrize("path", ["/graphql/%{}x", "/a/..%{}b", "/x%20kong_error_handler/%{}"])
def test_encoded_separators_are_refused(nginx: Nginx, path: str, code: str) -> None:
    nginx.seen.clear()
    status, headers, body = nginx.ask(path.format(code))
    assert status == 400
    assert b"nginx" not in body
    assert nginx.seen == []
    assert len(values(headers, "X-Correlation-ID")) == 1 or code == "00"


@pytest.mark.parametrize("target", ["/kong_error_handler", "/kong_error_handler%20/%2f"])
def test_the_way_inside_is_closed(nginx: Nginx, target: str) -> None:
    nginx.seen.clear()
    assert nginx.ask(target)[0] in (400, 404)
    assert nginx.seen == []


def test_the_query_is_nobodys_business(nginx: Nginx) -> None:
    nginx.seen.clear()
    target = "/tu-images/a%20b.png?X-Amz-Credential=a%2Fb%25&x=%3F%23%3B%5C"
    assert nginx.ask(target)[0] == 200
    assert [seen.target for seen in nginx.seen] == [target]


def test_a_correlation_id_is_made(nginx: Nginx) -> None:
    nginx.seen.clear()
    _, headers, _ = nginx.ask("/graphql")
    (made,) = values(headers, "X-Correlation-ID")
    assert UUID.fullmatch(made)
    assert nginx.seen[0].all("X-Correlation-ID") == [made]
    assert logged(nginx, made)["path"] == "/graphql"


@pytest.mark.parametrize("given", ["0a1b-2", "A.b_c:d-e", "x" * 128])
def test_a_sane_one_is_kept(nginx: Nginx, given: str) -> None:
    nginx.seen.clear()
    _, headers, _ = nginx.ask("/graphql", f"X-Correlation-ID: {given}")
    assert values(headers, "X-Correlation-ID") == [given]
    assert nginx.seen[0].all("X-Correlation-ID") == [given]


@pytest.mark.parametrize("given", ["a b", "-a", "x" * 129, '"><script>', "ä", "${jndi:x}"])
def test_rubbish_is_replaced(nginx: Nginx, given: str) -> None:
    nginx.seen.clear()
    _, headers, _ = nginx.ask("/graphql", f"X-Correlation-ID: {given}")
    (made,) = values(headers, "X-Correlation-ID")
    assert UUID.fullmatch(made)
    assert nginx.seen[0].all("X-Correlation-ID") == [made]


def test_a_refused_body_is_logged_with_path_and_id_and_without_query(nginx: Nginx) -> None:
    status, headers, _ = nginx.ask(
        f"/tu-images/big.png?{SIGNATURE}",
        "X-Correlation-ID: big-1",
        method="PUT",
        body=b"x" * 200_000,
    )
    assert status == 413
    assert values(headers, "X-Correlation-ID") == ["big-1"]
    line = logged(nginx, "big-1")
    assert (line["path"], line["status"]) == ("/tu-images/big.png", "413")
    assert SIGNATURE not in nginx.access_log


def test_no_request_line_reaches_the_error_log(nginx: Nginx) -> None:
    """A refused body, one that is put aside, and a backend that goes away."""
    for target, size in (("/a", 200_000), ("/b", 50_000), ("/reset", 10)):
        nginx.ask(f"{target}?{SIGNATURE}", method="PUT", body=b"x" * size)
    assert SIGNATURE not in nginx.error_log


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "X-Original-URL",
        "X-Rewrite-URL",
        "GAP-Auth",
        "X-Auth-Request-User",
        "X-Forwarded-User",
        "X-Forwarded-Uri",
        "Proxy",
        "X_Real_IP",
        "X_Correlation_ID",
        "X.Real.IP",
    ],
)
def test_no_backend_is_told_who_asks(nginx: Nginx, header: str) -> None:
    nginx.seen.clear()
    assert nginx.ask("/graphql", f"{header}: spoofed")[0] == 200
    assert "spoofed" not in [value for _, value in nginx.seen[0].headers]


@pytest.mark.parametrize("target", ["/graphql", "/says/it", "/a%2fb", "/kong_error_handler"])
def test_every_answer_has_the_headers_of_the_door_once(nginx: Nginx, target: str) -> None:
    _, headers, _ = nginx.ask(target)
    assert len(values(headers, "Strict-Transport-Security")) == 1
    assert values(headers, "X-Content-Type-Options") == ["nosniff"]
    assert len(values(headers, "X-Correlation-ID")) == 1
    # HTTP/2 has no room for a space before a value.
    assert all(value == value.strip() for _, value in headers)


def test_a_pod_that_drains_sends_kept_connections_away(nginx: Nginx) -> None:
    mark = nginx.folder / DRAINING
    assert "close" not in values(nginx.ask("/graphql", close=False)[1], "Connection")
    mark.touch()
    try:
        with nginx.connect() as connection:
            connection.sendall(f"GET /graphql HTTP/1.1\r\nHost: {HOSTS[0]}\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200
            assert "close" in values(answer.getheaders(), "Connection")
    finally:
        Path(mark).unlink()


def test_headers_that_are_too_long_are_refused(nginx: Nginx) -> None:
    nginx.seen.clear()
    token = "Authorization: Bearer " + "x" * 12_000
    assert nginx.ask("/graphql", token)[0] == 200
    assert nginx.ask("/graphql", token + "x" * 8_000)[0] in (400, 431, 494)
    assert len(nginx.seen) == 1
