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
    """Settings of the client; the names are those of client.json."""

    endpoint: str
    """GraphQL over HTTPS: https://graphql.local/graphql"""
    issuer: str
    """OpenID Connect issuer, exactly as in its discovery document."""
    client_id: str
    """Public client that may use the device code grant."""
    scope: str = "openid"
    """Scopes to ask for, separated by spaces."""
    address: str = ""
    """Address (with or without :port) that the front door's hosts are dialled at; empty: DNS."""
    ca_file: Path | None = None
    """The only certificate authority trusted for the front door; without: the system's."""
    token_file: Path = Path("token.json")
    """Where tokens are kept; by default beside client.json."""
    max_upload_bytes: int = DEFAULT_MAX_UPLOAD_BYTES
    """Largest picture that is sent; the platform has its own limit."""

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
    values = _read(file, required=path is not None)
    for name, variable in VARIABLES.items():
        if value := environ.get(variable):
            values[name] = value
    missing = [name for name in ("endpoint", "issuer", "client_id") if not values.get(name)]
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


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise UsageError(f"{file} does not exist; `make up` writes client.json.") from None
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
