"""The administrator's API of Keycloak, as far as a realm is set up by it, in memory."""

from __future__ import annotations

import http.server
import json
import re
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
SCOPE_LISTS = ("default-default-client-scopes", "default-optional-client-scopes")


def ident(*names: str) -> str:
    """The id of what is called so."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(names)))


@dataclass
class Keycloak:
    """One realm: what is set, and what was asked, method first."""

    url: str = ""
    password: str = "the administrator's"
    settings: Object = field(default_factory=dict)
    scopes: dict[str, Object] = field(default_factory=dict)
    clients: dict[str, Object] = field(default_factory=dict)
    users: dict[str, Object] = field(default_factory=dict)
    # Ids of scopes by list; a client's list is "<client>/default-client-scopes".
    assigned: dict[str, set[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def scope(self, new: Object) -> None:
        mappers = {
            m["name"]: m | {"id": ident(new["name"], m["name"])}
            for m in new.get("protocolMappers", [])
        }
        self.scopes[ident(new["name"])] = new | {
            "id": ident(new["name"]),
            "mappers": mappers,
        }

    def client(self, new: Object) -> None:
        made = {"attributes": {}} | new | {"id": ident(new["clientId"])}
        self.clients[made["id"]] = made
        for kind in ("default", "optional"):
            names = made.pop(f"{kind}ClientScopes", [])
            self.assigned[f"{made['id']}/{kind}-client-scopes"] = {ident(name) for name in names}

    def user(self, new: Object) -> None:
        self.users[new["id"]] = dict(new)

    def names(self, where: str) -> list[str]:
        return sorted(self.scopes[found]["name"] for found in self.assigned.get(where, set()))

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """What a request below the realm is answered with; KeyError where nothing is there."""
        kind, *rest = [urllib.parse.unquote(piece) for piece in path.split("/") if piece] or [""]
        if kind == "":
            self.settings |= body
        elif kind == "partialImport":
            assert body["ifResourceExists"] == "SKIP"
            for new in body["users"]:
                if new["username"] not in {user["username"] for user in self.users.values()}:
                    self.user(new)
            for new in body["clients"]:
                if ident(new["clientId"]) not in self.clients:
                    self.client(new)
        elif kind in SCOPE_LISTS:
            return self._scopes_of(kind, method, rest)
        elif kind == "client-scopes":
            return self._client_scopes(method, rest, body)
        elif kind == "clients" and len(rest) > 1:
            return self._scopes_of("/".join(rest[:2]), method, rest[2:])
        elif kind == "clients":
            if method == "GET":
                return [c for c in self.clients.values() if c["clientId"] == query["clientId"]]
            self.clients[rest[0]] |= body
        elif kind == "users" and method == "GET":
            assert query["exact"] == "true"
            return [u for u in self.users.values() if u["username"] == query["username"]]
        elif kind == "users":
            self.users[rest[0]] |= {"credentials": [body]} if rest[1:] else body
        return None

    def _scopes_of(self, where: str, method: str, rest: list[str]) -> Any:
        there = self.assigned.setdefault(where, set())
        if method == "GET":
            return [self.scopes[found] for found in sorted(there)]
        (there.add if method == "PUT" else there.remove)(self.scopes[rest[0]]["id"])
        return None

    def _client_scopes(self, method: str, rest: list[str], body: Any) -> Any:
        if not rest:
            return [*self.scopes.values()] if method == "GET" else self.scope(body)
        scope = self.scopes[rest[0]]
        if not rest[1:]:
            scope |= body
        elif method == "GET":
            return [*scope["mappers"].values()]
        elif method == "DELETE":
            (name,) = [n for n, mapper in scope["mappers"].items() if mapper["id"] == rest[-1]]
            del scope["mappers"][name]
        else:
            scope["mappers"][body["name"]] = {"id": ident(scope["name"], body["name"])} | body
        return None


@contextmanager
def keycloak_admin() -> Iterator[Keycloak]:
    """A Keycloak on this machine."""
    found = Keycloak()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _serve(self) -> None:
            place = urllib.parse.urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if place.path == "/realms/master/protocol/openid-connect/token":
                given = dict(urllib.parse.parse_qsl(data.decode()))
                right = given["password"] == found.password
                return self._say(
                    200 if right else 401, {"access_token": "t"} if right else {"error": "no"}
                )
            match = re.match(r"^/admin/realms/trackunit(/.*)?$", place.path)
            if not match or self.headers["Authorization"] != "Bearer t":
                return self._say(404, {"error": place.path})
            found.asked.append((self.command, match[1] or ""))
            query = dict(urllib.parse.parse_qsl(place.query))
            answer = found.answer(self.command, match[1] or "", query, json.loads(data or b"null"))
            return self._say(200, answer)

        def _say(self, status: int, body: Any) -> None:
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()
