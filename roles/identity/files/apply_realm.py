"""Makes a running Keycloak's realm what a file says, by its administrator's API.

Nothing is imported again: whoever is logged in stays so. What the file does not name stays, but for
the scopes and the claims of what it names. Standard library only.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SECONDS_TO_ANSWER = 30
# What has resources of its own in the API; all else of a realm is set at once.
REALM_SCOPES = {
    "defaultDefaultClientScopes": "/default-default-client-scopes",
    "defaultOptionalClientScopes": "/default-optional-client-scopes",
}
CLIENT_SCOPES = {
    "defaultClientScopes": "/default-client-scopes",
    "optionalClientScopes": "/optional-client-scopes",
}
PARTS = {"clientScopes", "clients", "users", *REALM_SCOPES}

Object = dict[str, Any]


def without(found: Object, *keys: str) -> Object:
    return {key: value for key, value in found.items() if key not in keys}


def send(request: urllib.request.Request) -> Any:
    """The answer to a request; RuntimeError with what Keycloak has against it."""
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:  # noqa: S310
            body = answer.read()
    except urllib.error.HTTPError as error:
        said = error.read(300).decode(errors="replace")
        asked = f"{request.get_method()} {urllib.parse.urlsplit(request.full_url).path}"
        raise RuntimeError(f"{asked} was answered with {error.code}: {said}") from None
    return json.loads(body) if body else None


def token(endpoint: str, username: str, password: str) -> str:
    """An access token of the administrator."""
    login = {"client_id": "admin-cli", "username": username, "password": password}
    request = urllib.request.Request(  # noqa: S310 - the address is the role's own
        f"{endpoint}/realms/master/protocol/openid-connect/token",
        method="POST",
        data=urllib.parse.urlencode({"grant_type": "password"} | login).encode(),
    )
    found: str = send(request)["access_token"]
    return found


class Realm:
    """One realm of a Keycloak."""

    def __init__(self, endpoint: str, name: str, bearer: str) -> None:
        self._base = f"{endpoint}/admin/realms/{urllib.parse.quote(name, safe='')}"
        self._headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the API below the realm."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the role's own
            self._base + path, method=method, data=data, headers=self._headers
        )
        return send(request)

    def apply(self, wanted: Object) -> Iterator[str]:
        """Bring everything to what is wanted; yields what was looked after, in words."""
        self.ask("PUT", "", without(wanted, *PARTS))
        yield "settings of the realm"
        self._scopes(wanted["clientScopes"])
        scopes = {scope["name"]: scope["id"] for scope in self.ask("GET", "/client-scopes")}
        self._assign("", REALM_SCOPES, wanted, scopes)
        yield f"{len(wanted['clientScopes'])} client scopes"
        # Makes what is missing, with the ids that are wanted, and leaves alone what is there.
        parts = {"users": wanted["users"], "clients": wanted["clients"]}
        self.ask("POST", "/partialImport", {"ifResourceExists": "SKIP"} | parts)
        for client in wanted["clients"]:
            self._client(client, scopes)
        yield f"{len(wanted['clients'])} clients"
        for user in wanted["users"]:
            self._user(user)
        yield f"{len(wanted['users'])} users"

    def _scopes(self, wanted: list[Object]) -> None:
        there = {scope["name"]: scope for scope in self.ask("GET", "/client-scopes")}
        for scope in wanted:
            if (found := there.get(scope["name"])) is None:
                self.ask("POST", "/client-scopes", scope)
                continue
            path = f"/client-scopes/{found['id']}"
            own = without(scope, "protocolMappers")
            attributes = found.get("attributes", {}) | own.get("attributes", {})
            self.ask("PUT", path, own | {"id": found["id"], "attributes": attributes})
            self._claims(f"{path}/protocol-mappers/models", scope.get("protocolMappers", []))

    def _claims(self, path: str, wanted: list[Object]) -> None:
        there = {mapper["name"]: mapper for mapper in self.ask("GET", path)}
        for name in there.keys() - {mapper["name"] for mapper in wanted}:
            self.ask("DELETE", f"{path}/{there[name]['id']}")
        for mapper in wanted:
            if found := there.get(mapper["name"]):
                self.ask("PUT", f"{path}/{found['id']}", mapper | {"id": found["id"]})
            else:
                self.ask("POST", path, mapper)

    def _assign(
        self, path: str, kinds: Mapping[str, str], wanted: Object, scopes: Mapping[str, str]
    ) -> None:
        """First all are taken away that are not wanted: a scope is of one kind at a time."""
        there = {
            kind: {scope["name"] for scope in self.ask("GET", path + place)}
            for kind, place in kinds.items()
        }
        for kind, place in kinds.items():
            for name in sorted(there[kind] - set(wanted.get(kind, []))):
                self.ask("DELETE", f"{path}{place}/{scopes[name]}")
        for kind, place in kinds.items():
            for name in sorted(set(wanted.get(kind, [])) - there[kind]):
                self.ask("PUT", f"{path}{place}/{scopes[name]}")

    def _client(self, wanted: Object, scopes: Mapping[str, str]) -> None:
        query = urllib.parse.urlencode({"clientId": wanted["clientId"]})
        (found,) = self.ask("GET", f"/clients?{query}")
        attributes = found.get("attributes", {}) | wanted.get("attributes", {})
        own = without(found, *CLIENT_SCOPES) | without(wanted, *CLIENT_SCOPES)
        self.ask("PUT", f"/clients/{found['id']}", own | {"attributes": attributes})
        self._assign(f"/clients/{found['id']}", CLIENT_SCOPES, wanted, scopes)

    def _user(self, wanted: Object) -> None:
        query = urllib.parse.urlencode({"username": wanted["username"], "exact": "true"})
        (found,) = self.ask("GET", f"/users?{query}")
        own = without(found, "credentials") | without(wanted, "credentials", "id")
        self.ask("PUT", f"/users/{found['id']}", own)
        for credential in wanted["credentials"]:
            self.ask("PUT", f"/users/{found['id']}/reset-password", credential)


def main(settings: Mapping[str, str]) -> None:
    """Read the file and apply it; what was done is printed."""
    wanted = json.loads(Path(settings["REALM_FILE"]).read_text(encoding="utf-8"))
    endpoint = settings["ENDPOINT"]
    bearer = token(endpoint, settings["ADMIN_USERNAME"], settings["ADMIN_PASSWORD"])
    for part in Realm(endpoint, wanted["realm"], bearer).apply(wanted):
        print(f"as wanted: {part}", flush=True)


if __name__ == "__main__":
    try:
        main(os.environ)
    except (RuntimeError, OSError) as failure:
        sys.exit(f"error: {failure}")
