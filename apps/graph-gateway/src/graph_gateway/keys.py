"""The issuer's signing keys, found by OIDC discovery and kept."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import requests

from graph_gateway.tokens import KeysUnavailableError, UnknownKeyError

Fetch = Callable[[str], Any]
"""URL to parsed JSON; raises on any failure."""

_log = logging.getLogger(__name__)


def https_fetch(ca_file: str, timeout: float = 5.0) -> Fetch:
    def fetch(url: str) -> Any:
        response = requests.get(url, timeout=timeout, verify=ca_file or True, allow_redirects=False)
        response.raise_for_status()
        return response.json()

    return fetch


class OidcKeys:
    """Keys by their id.

    An unknown id has them loaded again, for issuers rotate, but no more often than
    ``min_interval``: anyone can send tokens with invented ids. Keys stay in use while the issuer
    cannot be reached.
    """

    def __init__(
        self,
        issuer: str,
        fetch: Fetch,
        *,
        min_interval: float = 30.0,
        max_age: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._min_interval = min_interval
        self._max_age = max_age
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._tried_at = float("-inf")
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def loaded(self) -> bool:
        return bool(self._keys)

    def key(self, key_id: str) -> jwt.PyJWK:
        known = self._keys.get(key_id)
        if known is None:
            with self._lock:
                if key_id not in self._keys and self._may_try():
                    self._load()
            known = self._keys.get(key_id)
        if known is not None:
            return known
        if not self._keys:
            raise KeysUnavailableError
        raise UnknownKeyError(key_id)

    def refresh(self) -> bool:
        with self._lock:
            return self._load()

    def start(self, retry: float = 2.0) -> None:
        """Load in the background: soon and often until it works, then once per ``max_age``."""

        def run() -> None:
            while not self._stopped.is_set():
                self._stopped.wait(self._max_age if self.refresh() else retry)

        threading.Thread(target=run, name="oidc-keys", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _may_try(self) -> bool:
        return self._clock() - self._tried_at >= self._min_interval

    def _load(self) -> bool:
        self._tried_at = self._clock()
        try:
            discovered = self._fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if discovered["issuer"] != self._issuer:
                raise ValueError(f"the issuer calls itself {discovered['issuer']!r}")
            keys = _usable(self._fetch(discovered["jwks_uri"]))
            if not keys:
                raise ValueError("the issuer publishes no key that can be used")
        except Exception as error:  # whatever is wrong with the issuer, the gateway goes on
            _log.warning(
                "the issuer's keys could not be loaded",
                extra={"issuer": self._issuer, "error": f"{type(error).__name__}: {error}"},
            )
            return False
        if keys.keys() != self._keys.keys():
            _log.info("issuer's keys loaded", extra={"issuer": self._issuer, "keys": len(keys)})
        self._keys = keys
        return True


def _usable(jwks: Any) -> dict[str, jwt.PyJWK]:
    keys = {}
    for item in jwks["keys"]:
        if item.get("use", "sig") != "sig" or not item.get("kid"):
            continue
        try:
            # Entra ID names no algorithm on its keys.
            algorithm = item.get("alg") or {"RSA": "RS256", "EC": "ES256"}.get(item.get("kty"))
            if algorithm in ("RS256", "ES256"):
                keys[str(item["kid"])] = jwt.PyJWK(item, algorithm=algorithm)
        except jwt.PyJWTError:
            _log.warning("a key of the issuer cannot be used", extra={"kid": str(item["kid"])})
    return keys
