"""HTTP with time-outs, a few tries and one deadline; whatever is asked or fetched goes here."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
import urllib3.exceptions as below
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from supply.builder.asking import Answer
from supply.builder.mirrors import is_loopback

TEMPORARY = frozenset({429, 502, 503, 504})
# Where the Docker engine looks for the CA of one registry; the builder trusts the same.
DOCKER_CERTIFICATES = Path("/etc/docker/certs.d")
PIECE = 1 << 16
T = TypeVar("T")


class UnansweredError(Exception):
    """No answer that could be judged came; `answer` and `detail` say why."""

    def __init__(self, answer: Answer, detail: str, *, again: bool = False) -> None:
        super().__init__(f"{answer} ({detail})")
        self.answer = answer
        self.detail = detail
        self.again = again


@dataclass(frozen=True)
class Patience:
    """How long a connection, an answer and everything together may take, in seconds."""

    # For a first word from each host, with name resolution and all of the host's addresses.
    reach: float = 8.0
    connect: float = 3.0
    read: float = 6.0
    tries: int = 3
    # Before the second try; doubled before each further one.
    pause: float = 0.5
    total: float = 30.0


ASKING = Patience()
FETCHING = Patience(connect=10.0, read=60.0, tries=4, pause=2.0, total=900.0)


@dataclass(frozen=True)
class Reply:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str


class Anonymous(AuthBase):
    """Sends the given Authorization header or none, and never what ~/.netrc has."""

    def __init__(self, header: str = "") -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the header in."""
        if self._header:
            request.headers["Authorization"] = self._header
        return request


class _Trusting(HTTPAdapter):
    """Trusts what the system trusts (and SSL_CERT_FILE), not only the CAs that come with Python."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_maxsize=16)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)


@dataclass
class Web:
    """One run's connections; safe to use from several threads."""

    patience: Patience = ASKING
    sleep: Callable[[float], None] = time.sleep
    _bases: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.patience.total
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "trackunit-platform"
        self._session.mount("https://", _Trusting(ssl.create_default_context()))

    def base(self, host: str) -> str:
        """How a registry is spoken to: TLS, or plain HTTP where a loopback host has no TLS."""
        with self._lock:
            if host in self._bases:
                return self._bases[host]
        base = f"https://{host}"
        self._trust_as_docker_does(host)
        if is_loopback(host):
            try:
                self.get(f"{base}/v2/", tries=1)
            except _LaterError:
                pass
            except UnansweredError as error:
                if error.answer is Answer.UNREACHABLE:
                    raise
                if "CERTIFICATE_VERIFY_FAILED" not in error.detail:
                    base = f"http://{host}"
        with self._lock:
            self._bases[host] = base
        return base

    def _trust_as_docker_does(self, host: str) -> None:
        authorities = sorted((DOCKER_CERTIFICATES / host).glob("*.crt"))
        if authorities:
            context = ssl.create_default_context()
            for file in authorities:
                context.load_verify_locations(file)
            self._session.mount(f"https://{host}/", _Trusting(context))

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: str = "",
        method: str = "GET",
        tries: int | None = None,
    ) -> Reply:
        """The complete answer, whatever its status, once it is not a temporary one."""

        def take() -> Reply:
            with self._open(method, url, headers, auth) as response:
                content = b"".join(self._pieces(response))
                return Reply(response.status_code, response.headers, content, response.url)

        return self._tried(take, self.patience.tries if tries is None else tries)

    def status(self, url: str) -> int:
        """Whether a file is there, without its content."""

        def take(method: str) -> int:
            with self._open(method, url, None, "") as response:
                return response.status_code

        status = self._tried(lambda: take("HEAD"), self.patience.tries)
        # Some stores sign addresses for GET only, and some servers know no HEAD.
        if status in (403, 405, 501):
            status = self._tried(lambda: take("GET"), self.patience.tries)
        return status

    def save(self, url: str, to: Path, *, auth: str = "") -> tuple[int, str]:
        """The status, and the sha256 of what was written when it is 200."""

        def take() -> tuple[int, str]:
            digest = hashlib.sha256()
            with self._open("GET", url, None, auth) as response, to.open("wb") as file:
                if response.status_code == requests.codes.ok:
                    for piece in self._pieces(response):
                        digest.update(piece)
                        file.write(piece)
                return response.status_code, digest.hexdigest()

        return self._tried(take, self.patience.tries)

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        for piece in response.iter_content(PIECE):
            if time.monotonic() > self._until:
                raise UnansweredError(Answer.UNREACHABLE, "its answer takes too long")
            yield piece

    @contextmanager
    def _open(
        self, method: str, url: str, headers: Mapping[str, str] | None, auth: str
    ) -> Iterator[requests.Response]:
        left = max(0.1, self._until - time.monotonic())
        patience = (min(self.patience.connect, left), min(self.patience.read, left))
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers or {}),
                auth=Anonymous(auth),
                timeout=patience,
                stream=True,
            ) as response:
                if response.status_code in TEMPORARY:
                    raise _LaterError(response.status_code, response.headers.get("Retry-After", ""))
                yield response
        except (requests.RequestException, below.HTTPError, OSError) as error:
            raise failure(error, self.patience) from error

    def _tried(self, take: Callable[[], T], tries: int) -> T:
        pause = self.patience.pause
        while True:
            tries -= 1
            try:
                return take()
            except UnansweredError as error:
                wait = max(pause, getattr(error, "wait", 0.0))
                if not error.again or tries <= 0 or time.monotonic() + wait > self._until:
                    raise
            self.sleep(wait)
            pause *= 2


class _LaterError(UnansweredError):
    """A status that says: not now."""

    def __init__(self, status: int, retry_after: str) -> None:
        self.wait = float(retry_after) if retry_after.isdecimal() else 0.0
        asks = f", asks to wait {retry_after} s" if self.wait else ""
        super().__init__(Answer.REFUSED, f"HTTP {status}{asks}", again=True)


# What a failed connection means, and whether another try may help. The first line that fits counts.
FAILURES: tuple[tuple[type[Exception], Answer, str, bool], ...] = (
    (requests.exceptions.SSLError, Answer.TLS, "{text}", False),
    (requests.exceptions.ProxyError, Answer.UNREACHABLE, "the proxy refuses: {text}", False),
    (requests.ConnectTimeout, Answer.UNREACHABLE, "no connection within {connect:g} s", True),
    (requests.Timeout, Answer.UNREACHABLE, "no answer within {read:g} s", True),
    (below.ReadTimeoutError, Answer.UNREACHABLE, "no answer within {read:g} s", True),
    (below.NameResolutionError, Answer.UNREACHABLE, "its name cannot be resolved", False),
    (below.NewConnectionError, Answer.UNREACHABLE, "it refuses connections", False),
    (requests.ConnectionError, Answer.REFUSED, "it breaks off in the middle", True),
    (requests.exceptions.ChunkedEncodingError, Answer.REFUSED, "it breaks off in the middle", True),
)


def failure(error: Exception, patience: Patience) -> UnansweredError:
    """What came of a connection that failed."""
    first = error.args[0] if error.args else None
    # What is below is wrapped: the reason of the first argument says most.
    reason = getattr(first, "reason", first)
    said = {"text": _short(str(error)), "connect": patience.connect, "read": patience.read}
    for kind, answer, detail, again in FAILURES:
        if isinstance(error, kind) or isinstance(reason, kind):
            return UnansweredError(answer, detail.format(**said), again=again)
    return UnansweredError(Answer.UNREACHABLE, _short(str(error)))


def _short(text: str) -> str:
    for known in ("CERTIFICATE_VERIFY_FAILED", "certificate verify", "Tunnel connection failed"):
        _, found, rest = text.partition(known)
        if found:
            return (found + rest.partition("'")[0]).strip("]) ")[:120]
    return text[:120]
