"""Connections to the platform's hosts at one address, with the platform's own CA.

The front door serves several hosts at one address that no DNS knows. Their names stay in SNI, in
the Host header and in the check of the certificate; only the dialled address differs. Other hosts
(an identity provider elsewhere) are reached in the usual way: DNS, the system's certificates, the
environment's proxies.
"""

import ssl
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from client_console.config import Config

TIMEOUT = httpx.Timeout(30, connect=10)
SUBPROTOCOL = Subprotocol("graphql-transport-ws")
_MAX_EVENT_BYTES = 1024 * 1024


class FrontDoorTransport(httpx.AsyncBaseTransport):
    """Dials the front door's address for any of its hosts."""

    def __init__(self, config: Config) -> None:
        self._address, self._port = split_address(config.address)
        self._tls = tls(config)
        # A connection is kept per dialled address; hosts must not share one, their names differ.
        self._transports: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host not in self._transports:
            self._transports[host] = httpx.AsyncHTTPTransport(verify=self._tls)
        transport = self._transports[host]
        if not self._address:
            return await transport.handle_async_request(request)
        # A copy: cookies and messages go by the address that the caller asked for.
        dialled = httpx.Request(
            request.method,
            request.url.copy_with(host=self._address, port=self._port or request.url.port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await transport.handle_async_request(dialled)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()


def http_client(config: Config) -> httpx.AsyncClient:
    """A client for the front door's hosts and for others; it follows no redirects."""
    return httpx.AsyncClient(
        mounts={f"all://*{config.host}": FrontDoorTransport(config)},
        timeout=TIMEOUT,
        headers={"User-Agent": "client-console"},
    )


def websocket(config: Config, token: str = "") -> connect:
    """A WebSocket to the GraphQL endpoint, not opened yet; ``token`` is on the upgrade request."""
    parts = urlsplit(config.websocket)
    address, port = split_address(config.address)
    secure = parts.scheme == "wss"
    return connect(
        config.websocket,
        host=address or parts.hostname,
        port=port or parts.port or (443 if secure else 80),
        ssl=tls(config) if secure else None,
        subprotocols=[SUBPROTOCOL],
        additional_headers={"Authorization": f"Bearer {token}"} if token else None,
        user_agent_header="client-console",
        proxy=None,
        open_timeout=15,
        ping_interval=20,
        ping_timeout=20,
        close_timeout=2,
        max_size=_MAX_EVENT_BYTES,
    )


def tls(config: Config) -> ssl.SSLContext:
    """Trusts the platform's CA alone where a file names it, else what the system trusts."""
    if config.ca_file is None:
        return ssl.create_default_context()
    return ssl.create_default_context(cafile=str(config.ca_file))


def split_address(address: str) -> tuple[str, int | None]:
    if address.count(":") != 1:  # an IPv6 address has more
        return address, None
    host, _, port = address.partition(":")
    return host, int(port)


__all__ = ["ClientConnection", "http_client", "split_address", "websocket"]
