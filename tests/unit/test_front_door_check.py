"""The release's look through the front door, against a gateway of a few lines."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "plugins/modules/front_door_check.py"
spec = importlib.util.spec_from_file_location("front_door_check", PLUGIN)
assert spec and spec.loader
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


def text(payload: bytes) -> bytes:
    if len(payload) < 126:
        return bytes([0x81, len(payload)]) + payload
    return bytes([0x81, 126]) + len(payload).to_bytes(2, "big") + payload


def test_a_frame_is_masked_and_says_what_was_given() -> None:
    frame = module.frame(b'{"type":"ping"}')
    assert frame[:2] == bytes([0x81, 0x80 | 15])
    mask, payload = frame[2:6], frame[6:]
    assert bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) == b'{"type":"ping"}'


def test_the_next_text_message_is_read() -> None:
    ping = bytes([0x89, 0x02]) + b"hi"
    long = b'{"type":"pong","payload":"' + b"x" * 200 + b'"}'
    assert module.read_message(io.BytesIO(ping + text(b'{"type":"pong"}'))) == {"type": "pong"}
    assert module.read_message(io.BytesIO(text(long)))["type"] == "pong"


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"", "closed before"), (bytes([0x88, 0x06]) + b"\x11\x94Busy", "closed: Busy")],
)
def test_a_closed_websocket_says_so(answer: bytes, said: str) -> None:
    with pytest.raises(module.RefusedError, match=said):
        module.read_message(io.BytesIO(answer))
