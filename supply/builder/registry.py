"""The registry protocol: manifests and blobs, with the tokens that anyone is given."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import requests

from supply.builder.asking import Answer, judge_status, parsed
from supply.builder.mirrors import Reference, is_loopback
from supply.builder.web import Reply, UnansweredError, Web

MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
# Docker's own name for the place of its Hub's logins.
DOCKER_HUB_LOGIN = "https://index.docker.io/v1/"


def logins() -> dict[str, str]:
    """The Basic credentials that `docker login` wrote into its file, by host."""
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    try:
        said = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found = {}
    for place, entry in (said.get("auths") or {}).items():
        host = "docker.io" if place == DOCKER_HUB_LOGIN else place.partition("://")[2] or place
        if entry.get("auth"):
            found[Reference.of(f"{host.partition('/')[0]}/x").api_host] = str(entry["auth"])
    return found


@dataclass
class Registries:
    """Every registry by the same few calls."""

    web: Web
    logins: dict[str, str]

    def manifest(self, reference: Reference) -> Reply:
        """The manifest or index that a reference names, by digest before tag."""
        name = reference.digest or reference.tag
        return self._get(reference, f"manifests/{name}")

    def blob(self, reference: Reference, digest: str) -> Reply:
        """A small blob, such as an image's configuration."""
        return self._get(reference, f"blobs/{digest}")

    def save_blob(self, reference: Reference, digest: str, to: Path) -> str:
        """Write a blob to a file; its sha256."""
        url = self._url(reference, f"blobs/{digest}")
        status, found = self.web.save(url, to)
        if status == requests.codes.unauthorized:
            # The token is asked for with a request that has no body to lose.
            auth = self._authorize(reference, self.web.get(url, method="HEAD"))
            status, found = self.web.save(url, to, auth=auth)
        if status != requests.codes.ok:
            raise UnansweredError(*judge_status(status))
        return found

    def _url(self, reference: Reference, what: str) -> str:
        host = reference.api_host
        return f"{self.web.base(host)}/v2/{reference.repository}/{what}"

    def _get(self, reference: Reference, what: str) -> Reply:
        url = self._url(reference, what)
        headers = {"Accept": MANIFESTS}
        reply = self.web.get(url, headers=headers)
        if reply.status == requests.codes.unauthorized:
            auth = self._authorize(reference, reply)
            reply = self.web.get(url, headers=headers, auth=auth)
        if reply.status != requests.codes.ok:
            raise UnansweredError(*judge_status(reply.status))
        return reply

    def _authorize(self, reference: Reference, reply: Reply) -> str:
        """The Authorization header that a 401 asks for; anonymous where nobody logged in."""
        scheme, _, said = reply.headers.get("WWW-Authenticate", "").partition(" ")
        login = self.logins.get(reference.api_host, "")
        basic = f"Basic {login}" if login else ""
        if scheme.lower() == "basic" and basic:
            return basic
        challenge = dict(CHALLENGE.findall(said))
        realm = urlsplit(challenge.get("realm", ""))
        safe = realm.scheme == "https" or (realm.scheme == "http" and is_loopback(realm.netloc))
        if scheme.lower() != "bearer" or not safe:
            raise UnansweredError(Answer.LOGIN, f"HTTP {reply.status}")
        query = {
            "service": challenge.get("service", ""),
            "scope": challenge.get("scope", f"repository:{reference.repository}:pull"),
        }
        answer = self.web.get(f"{realm.geturl()}?{urlencode(query)}", auth=basic)
        if answer.status != requests.codes.ok:
            raise UnansweredError(*judge_status(answer.status))
        found = parsed(answer.content) or {}
        token = found.get("token") or found.get("access_token")
        if not token:
            raise UnansweredError(Answer.LOGIN, "no token was given")
        return f"Bearer {token}"
