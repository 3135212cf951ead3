#!/usr/bin/python
"""Whether the GraphQL front door answers, as a client without a token sees it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: front_door_check
short_description: Whether the GraphQL front door answers
version_added: 0.1.0
author: The Trackunit platform maintainers
description:
  - Goes through TLS, the ingress controller and oauth2-proxy to the gateway, with the certificate
    and the host name checked.
  - A request without a token must be refused with 401. A WebSocket must be accepted by the gateway
    itself and answer a ping of graphql-transport-ws, which needs no token.
options:
  address:
    description: Address of the front door.
    type: str
    required: true
  port:
    description: Its port.
    type: int
    default: 443
  host:
    description: Host name of the GraphQL endpoint.
    type: str
    required: true
  path:
    description: Path of the GraphQL endpoint.
    type: str
    default: /graphql
  ca_file:
    description: CA certificates that the front door's certificate is checked against.
    type: path
    required: true
  patience:
    description: Seconds for which failures are tried again.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Look through the front door
  trackunit.platform.front_door_check:
    address: 172.18.0.4
    host: graphql.local
    ca_file: "{{ certificates_trust_file }}"
"""

RETURN = r"""
milliseconds:
  description: How long the answer to the WebSocket's ping took.
  type: int
  returned: success
"""


class RefusedError(Exception):
    """The door answered, but not as it should."""


class Door:
    """The front door, dialled by address and spoken to by name."""

    def __init__(self, address: str, port: int, host: str, path: str, ca_file: str) -> None:
        self.address, self.port, self.host, self.path = address, port, host, path
        self.context = ssl.create_default_context(cafile=ca_file)

    def connect(self) -> ssl.SSLSocket:
        """A TLS connection whose certificate is valid for the host."""
        connection = socket.create_connection((self.address, self.port), timeout=10)
        return self.context.wrap_socket(connection, server_hostname=self.host)

    def refuses_without_token(self) -> None:
        """A query without a token is answered with 401, and with no redirect."""
        body = json.dumps({"query": "{ ping }"})
        with self.connect() as connection:
            client = http.client.HTTPConnection(self.host)
            client.sock = connection
            client.request("POST", self.path, body, {"Content-Type": "application/json"})
            status = client.getresponse().status
        if status != 401:
            raise RefusedError(f"a query without a token is answered with {status} instead of 401")

    def gateway_answers(self) -> int:
        """Milliseconds until the gateway answers a ping on a WebSocket."""
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        with self.connect() as connection, connection.makefile("rb") as answer:
            connection.sendall(request.encode())
            status = answer.readline().split()
            if status[1:2] != [b"101"]:
                shown = b" ".join(status).decode(errors="replace") or "nothing"
                raise RefusedError(f"a WebSocket is answered with '{shown}' instead of 101")
            while answer.readline().strip():
                pass
            began = time.monotonic()
            connection.sendall(frame(b'{"type":"ping"}'))
            message = read_message(answer)
            if message.get("type") != "pong":
                raise RefusedError(f"a ping is answered with {message} instead of a pong")
            return round((time.monotonic() - began) * 1000)


def frame(payload: bytes) -> bytes:
    """One short, masked text frame, as a WebSocket client sends it."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([0x81, 0x80 | len(payload)]) + mask + masked


def read_message(answer: Any) -> dict[str, Any]:
    """The next text message; pings of the WebSocket itself are passed over."""
    while True:
        head = answer.read(2)
        if len(head) < 2:
            raise RefusedError("the WebSocket was closed before it answered a ping")
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(answer.read(2), "big")
        elif length == 127:
            length = int.from_bytes(answer.read(8), "big")
        payload = answer.read(length)
        if head[0] & 0x0F == 0x8:
            raise RefusedError(f"the WebSocket was closed: {payload[2:].decode(errors='replace')}")
        if head[0] & 0x0F == 0x1:
            message = json.loads(payload)
            return message if isinstance(message, dict) else {"message": message}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "default": 443},
            "host": {"type": "str", "required": True},
            "path": {"type": "str", "default": "/graphql"},
            "ca_file": {"type": "path", "required": True},
            "patience": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    params = module.params
    deadline = time.monotonic() + params["patience"]
    try:
        door = Door(
            params["address"], params["port"], params["host"], params["path"], params["ca_file"]
        )
    except OSError as error:
        module.fail_json(msg=f"cannot read the CA from {params['ca_file']}: {error}")
        return
    while True:
        try:
            door.refuses_without_token()
            module.exit_json(changed=False, milliseconds=door.gateway_answers())
            return
        except (OSError, RefusedError, ValueError, http.client.HTTPException) as error:
            if time.monotonic() > deadline:
                module.fail_json(
                    msg=f"the front door of {params['host']} ({params['address']}:"
                    f"{params['port']}): {error}"
                )
                return
            time.sleep(1)


if __name__ == "__main__":
    main()
