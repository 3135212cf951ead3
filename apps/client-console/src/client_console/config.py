"""Where the platform is: ``client.json``, which the platform's play writes, and the environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from client_console.errors import UsageError

MEBIBYTE = 1024 * 1024
DEFAULT_MAX_UPLOAD_BYTES = 10 * MEBIBYTE

VARIABLES = {
    "endpoint": "TRACKUNIT_ENDPOINT",
    "issuer": "TRACKUNIT_ISSUER",
    "client_id": "TRACKUNIT_CLIENT_ID",
    "scope": "TRACKUNIT_SCOPE",
    "address": "TRACKUNIT_ADDRESS",
    "ca_file": "TRACKUNIT_CA_FILE",
    "token_file": "TRACKUNIT_TOKEN_FILE",
    "max_upload_bytes": "TRACKUNIT_MAX_UPLOAD_BYTES",
}
"""Environment variables that take the place of an entry of the file."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Config:
    """Settings of the client: entries of client.json, and what they mean (also in README.md)."""

    endpoint: str
    """GraphQL over HTTPS, for example `https://graphql.local/graphql`"""
    issuer: str
    """OpenID Connect issuer, exactly as in its discovery document"""
    client_id: str
    """Public client that may use the device code grant"""
    scope: str = "openid"
    """Scopes to ask for, separated by spaces"""
    address: str = ""
    """Address of the front door, `ip` or `ip:port`; without it, DNS is asked"""
    ca_file: Path | None = None
    """The only CA that is trusted for the front door; without it, the system's CAs"""
    token_file: Path = Path("token.json")
    """Where tokens are kept, mode 0600; default `token.json` beside client.json"""
    max_upload_bytes: int = DEFAULT_MAX_UPLOAD_BYTES
    """Largest picture that is sent, default 10 MiB; the platform has its own limit"""

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).hostname or ""

    @property
    def websocket(self) -> str:
        return "ws" + self.endpoint.removeprefix("http")

    def behind_front_door(self, host: str) -> bool:
        """The front door serves the endpoint's host and those below it (storage., login.)."""
        return host == self.host or host.endswith(f".{self.host}")


def default_path(environ: Mapping[str, str] = os.environ) -> Path:
    """client.json of the platform on this machine."""
    if named := environ.get("TRACKUNIT_STATE_DIR"):
        return Path(named) / "client.json"
    home = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "trackunit-platform" / "trackunit" / "client.json"


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file at ``path`` (default: that of the platform here), then the environment."""
    file = path or default_path(environ)
    given = _from_environment(environ)
    needed = [name for name in ("endpoint", "issuer", "client_id") if name not in given]
    values = _read(file, required=path is not None or bool(needed)) | given
    missing = [name for name in needed if not values.get(name)]
    if missing:
        wanted = ", ".join(f"{name} (or {VARIABLES[name]})" for name in missing)
        raise UsageError(
            f"{file} says nothing about {wanted}. `make up` writes that file; for another platform,"
            " give its own with --config FILE."
        )
    base = file.parent
    return Config(
        endpoint=_url("endpoint", values["endpoint"]),
        issuer=_url("issuer", values["issuer"]),
        client_id=str(values["client_id"]),
        scope=str(values.get("scope") or "openid"),
        address=str(values.get("address") or ""),
        ca_file=_certificates(base, values.get("ca_file")),
        token_file=base / Path(str(values.get("token_file") or "token.json")).expanduser(),
        max_upload_bytes=_size(values.get("max_upload_bytes")),
    )


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    given = {name: environ[variable] for name, variable in VARIABLES.items() if variable in environ}
    for name, value in given.items():
        if not value:
            raise UsageError(
                f"{VARIABLES[name]} is empty. Give it a value, or let client.json say it:"
                f" unset {VARIABLES[name]}"
            )
    return given


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise UsageError(
                f"{file} is missing. `make up` writes it where the platform runs; for a platform"
                " elsewhere, copy its client.json and ca.crt and run: client-console --config FILE"
            ) from None
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as JSON: {error}.") from None
    if not isinstance(values, dict):
        raise UsageError(f"{file} holds no JSON object; `make up` writes it anew.")
    return values


def _url(name: str, value: object) -> str:
    text = str(value)
    parts = urlsplit(text)
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise UsageError(f"{name} is {text!r}; it must be an https:// address.")
    return text


def _certificates(base: Path, value: object) -> Path | None:
    if not value:
        return None
    file = base / Path(str(value)).expanduser()
    if not file.is_file():
        raise UsageError(f"ca_file {file} does not exist; `make up` writes it.")
    return file


def _size(value: object) -> int:
    try:
        size = DEFAULT_MAX_UPLOAD_BYTES if value in (None, "") else int(str(value))
    except ValueError:
        size = 0
    if size <= 0:
        raise UsageError(f"max_upload_bytes is {value!r}; it must be a number of bytes above 0.")
    return size
