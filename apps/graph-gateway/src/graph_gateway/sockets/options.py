"""Limits of a WebSocket, in seconds and numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SocketOptions:
    init_timeout: float = 10.0
    ping_interval: float = 25.0
    write_timeout: float = 20.0
    close_timeout: float = 2.0
    max_message_characters: int = 65_536
    max_operations: int = 50
