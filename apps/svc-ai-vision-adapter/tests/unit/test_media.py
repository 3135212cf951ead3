import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from svc_ai_vision_adapter.media import (
    HttpMedia,
    MediaError,
    MediaRefusedError,
    MediaUnavailableError,
)


class Peer:
    """Ingestion service and object storage in one server, answering as it is told."""

    def __init__(self) -> None:
        self.access: tuple[int, Any] = (200, None)
        self.picture: tuple[int, bytes] = (200, b"picture")
        self.lost = 0
        self.correlation: list[str | None] = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                peer.correlation.append(self.headers.get("X-Correlation-ID"))
                status, body = peer.access
                self.answer(status, json.dumps(body or {"url": f"{peer.url}/picture"}).encode())

            def do_GET(self) -> None:
                self.answer(*peer.picture, lost=peer.lost)

            def answer(self, status: int, body: bytes, lost: int = 0) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) + lost))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def fetch(peer: Peer, correlation_id: str = "c-1") -> bytes:
    return HttpMedia(peer.url, max_bytes=100).fetch("images/x.jpg", correlation_id)


def test_a_picture(peer: Peer) -> None:
    assert fetch(peer) == b"picture"
    assert fetch(peer, "not fit for a header\n") == b"picture"
    assert peer.correlation == ["c-1", None]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_an_ingestion_service_with_troubles_may_answer_later(peer: Peer, status: int) -> None:
    peer.access = (status, {"code": "X", "message": "y"})
    with pytest.raises(MediaUnavailableError):
        fetch(peer)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_storage_with_troubles_may_answer_later(peer: Peer, status: int) -> None:
    peer.picture = (status, b"")
    with pytest.raises(MediaUnavailableError):
        fetch(peer)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 410])
def test_a_refusal_says_who_refused(peer: Peer, status: int) -> None:
    peer.picture = (status, b"")
    with pytest.raises(MediaRefusedError, match=f"object storage answered {status}"):
        fetch(peer)
    peer.access = (status, {"code": "X", "message": "y"})
    with pytest.raises(MediaRefusedError, match=f"ingestion service answered {status}"):
        fetch(peer)


def test_a_proxy_of_the_environment_is_not_used(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    # Nobody listens on port 1.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert fetch(peer) == b"picture"


def test_a_picture_that_breaks_off(peer: Peer) -> None:
    peer.lost = 5
    with pytest.raises(MediaUnavailableError):
        fetch(peer)


@pytest.mark.parametrize("body", [{"nothing": 1}, {"url": 5}])
def test_an_answer_that_makes_no_sense(peer: Peer, body: Any) -> None:
    peer.access = (200, body)
    with pytest.raises(MediaUnavailableError):
        fetch(peer)


def test_nobody_there(peer: Peer) -> None:
    peer.close()
    with pytest.raises(MediaUnavailableError):
        fetch(peer)


def test_a_picture_that_is_gone_or_too_large(peer: Peer) -> None:
    peer.picture = (200, bytes(101))
    with pytest.raises(MediaError) as caught:
        fetch(peer)
    assert caught.value.code == "picture-too-large"
    peer.picture = (404, b"")
    with pytest.raises(MediaError) as caught:
        fetch(peer)
    assert caught.value.code == "picture-missing"
    peer.access = (404, {"code": "OBJECT_NOT_FOUND", "message": "none"})
    with pytest.raises(MediaError, match="OBJECT_NOT_FOUND"):
        fetch(peer)
