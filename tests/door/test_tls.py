"""Who gets a handshake, and how strong it is."""

from __future__ import annotations

import socket
import ssl

import pytest

from tests.door.wire import Wire, answers, until_quiet

row = pytest.mark.row


def offered(wire: Wire, version: ssl.TLSVersion, ciphers: str) -> ssl.SSLContext:
    context = wire.context()
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    return context


@row("other-hosts")
@pytest.mark.parametrize(
    "name", [None, "other.example", "graphql.local.example", "x.graphql.local"]
)
def test_another_host_gets_no_handshake(wire: Wire, name: str | None) -> None:
    with pytest.raises(ssl.SSLError), wire.tls(name):
        pass


@row("other-hosts")
def test_each_of_ours_does(wire: Wire, host: str) -> None:
    for name in (host, f"storage.{host}", f"login.{host}"):
        with wire.tls(name) as connection:
            assert connection.version() in ("TLSv1.2", "TLSv1.3")


@row("plain-http")
def test_plain_http_on_the_port_for_tls_leads_nowhere(wire: Wire, host: str) -> None:
    with wire.plain() as connection:
        connection.sendall(f"GET /graphql HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        received = until_quiet(connection)
    assert all(answer.status in (400, 404) for answer in answers(received)), received
    for word in (b"nginx", b"openresty", b"kong", b"traefik"):
        assert word not in received.lower()


@row("plain-http")
def test_no_port_for_plain_http(wire: Wire) -> None:
    with pytest.raises(OSError), socket.create_connection((wire.address, 80), timeout=5):
        pass


# Python warns of versions that no one should offer; that they are refused is the point.
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@row("tls-versions")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(wire: Wire, host: str, version: ssl.TLSVersion) -> None:
    # Level 0, or our own side would refuse to offer them.
    with pytest.raises(OSError), wire.tls(host, offered(wire, version, "ALL:@SECLEVEL=0")):
        pass


@row("tls-ciphers")
@pytest.mark.parametrize(
    "cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA"]
)
def test_weak_ciphers_are_refused(wire: Wire, host: str, cipher: str) -> None:
    context = offered(wire, ssl.TLSVersion.TLSv1_2, f"{cipher}:@SECLEVEL=0")
    with pytest.raises(OSError), wire.tls(host, context):
        pass
