"""A client that takes RFC 9113 at its word: h2 refuses headers that the protocol forbids."""

from __future__ import annotations

from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)

from tests.door.wire import Wire

Headers = list[tuple[str, str]]


@dataclass
class Stream:
    """One request's answer."""

    headers: Headers = field(default_factory=list)
    body: bytes = b""
    over: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(dict(self.headers).get(":status", 0))

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]


def ask(wire: Wire, host: str, requests: list[tuple[str, str, Headers, bytes]]) -> list[Stream]:
    """Send method, path, headers and body of all ``requests`` side by side over one connection."""
    context = wire.context()
    context.set_alpn_protocols(["h2"])
    with wire.tls(host, context) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        http = H2Connection(H2Configuration(header_encoding="utf-8"))
        http.initiate_connection()
        connection.sendall(http.data_to_send())
        waiting = list(requests)
        streams: dict[int, Stream] = {}
        ended = False
        while not ended and (waiting or not all(found.over for found in streams.values())):
            # As many at once as any server takes.
            while waiting and sum(not found.over for found in streams.values()) < 64:
                method, path, headers, body = waiting.pop(0)
                number = http.get_next_available_stream_id()
                streams[number] = Stream()
                first = [(":method", method), (":scheme", "https")]
                first += [(":authority", host), (":path", path)]
                http.send_headers(number, first + headers, end_stream=not body)
                if body:
                    http.send_data(number, body, end_stream=True)
            connection.sendall(http.data_to_send())
            received = connection.recv(65536)
            if not received:
                break
            for event in http.receive_data(received):
                if isinstance(event, ResponseReceived):
                    streams[event.stream_id].headers = [
                        (str(name), str(value)) for name, value in event.headers or []
                    ]
                elif isinstance(event, DataReceived):
                    streams[event.stream_id].body += event.data or b""
                    http.acknowledge_received_data(
                        event.flow_controlled_length or 0, event.stream_id
                    )
                elif isinstance(event, StreamEnded):
                    streams[event.stream_id].over = True
                elif isinstance(event, StreamReset):
                    streams[event.stream_id].over = True
                    streams[event.stream_id].reset = int(event.error_code or 0)
                elif isinstance(event, ConnectionTerminated):
                    ended = True
            connection.sendall(http.data_to_send())
        return [streams[number] for number in sorted(streams)]
