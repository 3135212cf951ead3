"""Keycloak with users and clients of its own."""

import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.containers import Container, container, free_port, readable

REALM = Path(__file__).with_name("realm.json")


@dataclass(frozen=True)
class Keycloak:
    """Keycloak with a realm whose tokens look like the platform's.

    Users: alice, bob. Clients (each gives tokens for the password grant): ``tests`` as it should
    be, ``tests-without-scope``, ``tests-other-audience``, ``tests-short-lived`` (expired after a
    second). ``tests-device`` is for the device code grant alone.
    """

    issuer: str
    audience: str
    scope: str
    password: str
    container: Container

    def token(self, user: str = "alice", client: str = "tests") -> str:
        form = {
            "grant_type": "password",
            "client_id": client,
            "username": user,
            "password": self.password,
            "scope": "openid",
        }
        request = urllib.request.Request(
            f"{self.issuer}/protocol/openid-connect/token",
            data=urllib.parse.urlencode(form).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return str(json.load(answer)["access_token"])
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"no token for {user} by {client}: {error.read()!r}") from error

    def environment(self) -> dict[str, str]:
        return {
            "OIDC_ISSUER": self.issuer,
            "OIDC_AUDIENCE": self.audience,
            "OIDC_SCOPE": self.scope,
        }


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    password = secrets.token_urlsafe(16)
    realm = readable(
        tmp_path_factory.mktemp("keycloak") / "realm.json",
        REALM.read_text(encoding="utf-8").replace("${PASSWORD}", password),
    )
    port = free_port()
    with container(
        "keycloak",
        ports={8080: port},
        # With the options that our image was built with it is not augmented once more; another is.
        environment={
            "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx384m",
            "KC_CACHE": "local",
            "KC_DB": "dev-file",
            "KC_HEALTH_ENABLED": "true",
            "KC_HTTP_RELATIVE_PATH": "/",
            "KC_METRICS_ENABLED": "true",
        },
        files={"/opt/keycloak/data/import/realm.json": realm},
        command=["start", "--import-realm", "--http-enabled=true", "--hostname-strict=false"],
    ) as server:
        issuer = f"http://127.0.0.1:{port}/realms/trackunit"
        found = Keycloak(issuer, "api://trackunit", "access_as_user", password, server)
        server.wait("Keycloak gives tokens", found.token)
        yield found
