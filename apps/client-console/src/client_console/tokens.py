"""Tokens on disk: one file that only its owner may read, replaced in one step."""

import contextlib
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from client_console.errors import UsageError

EXPIRY_MARGIN_SECONDS = 30


@dataclass(frozen=True)
class Tokens:
    """What the issuer gave, and whom and when it belongs to."""

    issuer: str
    client_id: str
    access_token: str
    expires_at: float
    refresh_token: str = ""

    def fresh(self, now: float | None = None) -> bool:
        return self.expires_at - EXPIRY_MARGIN_SECONDS > (time.time() if now is None else now)


@dataclass(frozen=True)
class TokenFile:
    """The file that keeps the tokens of one user."""

    path: Path

    def load(self) -> Tokens | None:
        """The kept tokens; none where there is no file, or none that can be understood."""
        try:
            values: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            return Tokens(**values)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            return None
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}.") from None

    def save(self, tokens: Tokens) -> None:
        """Written beside it and renamed: another process sees the old file or the new one."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp makes the file with mode 0600, before a secret is in it.
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(tokens), file)
            Path(name).replace(self.path)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}.") from None

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
