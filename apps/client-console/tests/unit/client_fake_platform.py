"""What the fake platform was asked, and knobs for how it answers."""

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOMAIN = "graphql.local"
RECOGNITION = {
    "provider": {"name": "fake", "apiVersion": "1", "featureset": "text", "maxResults": 1},
    "aggregate": {
        "brand": "Volvo",
        "type": "excavator",
        "model": "EC220E",
        "confidence": 0.93,
        "isConfident": True,
        "typeConfidence": 0.9,
        "typeSource": "model",
        "name": "Volvo EC220E",
    },
}


@dataclass
class Result:
    """What one run of the command line gave."""

    exit: int
    out: str
    err: str

    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@dataclass
class FakePlatform:
    """What it was asked, and knobs for how it answers."""

    port: int
    ca_file: Path
    token_lifetime: int = 300
    pending_polls: int = 1
    success: bool = True
    recognition: dict[str, Any] | None = field(default_factory=lambda: RECOGNITION)
    silent: bool = False
    """Accepts a confirmed upload and never answers it."""
    failures: dict[str, deque[int]] = field(default_factory=dict)
    """Per operation (put, startUpload, ...): HTTP statuses to answer first; 0 cuts the line."""
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per operation: a GraphQL error."""
    close_sockets: deque[int] = field(default_factory=deque)
    """Close codes for the sockets to come, instead of an acknowledgement."""
    drop_before_result: int = 0
    """How many sockets are cut at the moment when a result would be sent."""
    requests: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Method, path, Host header and SNI of each request."""
    authorizations: list[tuple[str, str]] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[str, str]] = field(default_factory=dict)
    confirmed: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    valid_tokens: set[str] = field(default_factory=set)
    sockets: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def endpoint(self) -> str:
        return f"https://{DOMAIN}:{self.port}/graphql"

    @property
    def issuer(self) -> str:
        return f"https://login.{DOMAIN}:{self.port}/realms/trackunit"

    def config(self, folder: Path) -> Path:
        file = folder / "client.json"
        values = {
            "endpoint": self.endpoint,
            "issuer": self.issuer,
            "client_id": "trackunit-client",
            "scope": "openid",
            "address": "127.0.0.1",
            "ca_file": str(self.ca_file),
        }
        file.write_text(json.dumps(values))
        return file

    def log_in(self, folder: Path, lifetime: float = 300) -> None:
        token = self.new_token()
        values = {
            "issuer": self.issuer,
            "client_id": "trackunit-client",
            "access_token": token,
            "expires_at": time.time() + lifetime,
            "refresh_token": "refresh",
        }
        (folder / "token.json").write_text(json.dumps(values))

    def new_token(self) -> str:
        token = uuid.uuid4().hex
        self.valid_tokens.add(token)
        return token

    def announce(self, kind: str, payload: dict[str, Any]) -> None:
        with self.changed:
            self.events.append((kind, payload))
            self.changed.notify_all()

    def analyse(self, key: str, correlation_id: str) -> None:
        base = {"objectKey": key, "correlationId": correlation_id}
        self.announce("onAnalysisStarted", base)
        if not self.silent:
            payload = self.recognition if self.success else None
            self.announce(
                "onAnalysisCompleted",
                {**base, "success": self.success, "recognitionPayload": payload},
            )
