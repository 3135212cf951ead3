"""Approves a device login for a test user, by Keycloak's own pages, without a browser.

As a script it runs the client's login and approves it:

    python -m tests.support.device_login --config client.json --username alice --users …
"""

import argparse
import asyncio
import html.parser
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import httpx

from client_console import config
from client_console.front_door import http_client
from tests.support import CLIENT_SOURCE

CLIENT = [sys.executable, "-m", "client_console"]
_MOST_PAGES = 8
# Keycloak's theme marks what went wrong with one of these.
_ERROR_IDS = {"input-error", "input-error-username", "kc-error-message"}
_ERROR_CLASSES = {"kc-feedback-text", "pf-m-danger", "alert-error"}


def client_environment() -> dict[str, str]:
    """For a client that runs from its source."""
    return os.environ | {"PYTHONPATH": str(CLIENT_SOURCE)}


class ApprovalError(Exception):
    """The login could not be approved; the text says on which page, and what it said."""


@dataclass
class Form:
    """One HTML form: where it goes, and its fields with their values."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Page(html.parser.HTMLParser):
    """The forms, the title and the error text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.title = ""
        self.error = ""
        self._into = ""
        self._depth = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in {"input", "button"} and self.forms and given.get("name"):
            # Of a tick box and of a button, only what is chosen is sent; see _filled.
            if given.get("type") != "checkbox":
                self.forms[-1].fields.setdefault(given["name"], given.get("value", ""))
        elif tag == "title":
            self._into = "title"
        if given.get("id") in _ERROR_IDS or _ERROR_CLASSES & set(given.get("class", "").split()):
            self._into = "error"

    def handle_endtag(self, tag: str) -> None:
        if (self._into == "error" and self.error.strip()) or tag == "title":
            self._into = ""

    def handle_data(self, data: str) -> None:
        if self._into == "title":
            self.title += data.strip()
        elif self._into == "error":
            self.error += data.strip() + " "


async def approve(http: httpx.AsyncClient, url: str, username: str, password: str) -> None:
    """Open the complete verification address as ``username`` and grant what is asked for."""
    response = await http.get(url, follow_redirects=True)
    for _ in range(_MOST_PAGES):
        page = _Page(response.text)
        form = _answerable(page.forms)
        if response.status_code >= httpx.codes.BAD_REQUEST or (page.error and form is not None):
            raise ApprovalError(
                f"{username} at {response.url.copy_with(query=None)}, {response.status_code},"
                f" page {page.title!r}: {page.error.strip() or 'no reason shown'}"
            )
        if form is None:
            return
        response = await http.request(
            form.method.upper(),
            urljoin(str(response.url), form.action),
            data=_filled(form, username, password),
            follow_redirects=True,
        )
    raise ApprovalError(f"still not approved after {_MOST_PAGES} pages, the last {page.title!r}")


def _answerable(forms: list[Form]) -> Form | None:
    """The form that leads on; none on the page that says that all is done."""
    known = {"device_user_code", "username", "password", "accept"}
    return next((form for form in forms if known & form.fields.keys()), None)


def _filled(form: Form, username: str, password: str) -> dict[str, str]:
    answers = {"username": username, "password": password}
    fields = {name: answers.get(name, value) for name, value in form.fields.items()}
    fields.pop("cancel", None)  # the button beside `accept`
    return fields


def _loopback_is_secure(http: httpx.AsyncClient) -> None:
    """As browsers do: Keycloak's cookies are for secure connections only, and an issuer without
    TLS is accepted on loopback alone."""

    async def unsecure(response: httpx.Response) -> None:
        for cookie in http.cookies.jar:
            cookie.secure = response.url.scheme == "https"

    http.event_hooks["response"].append(unsecure)


async def login(file: Path, username: str, password: str) -> None:
    """Run the client's login with the configuration ``file``, and approve what it asks for."""
    loaded = config.load(file)
    process = await asyncio.create_subprocess_exec(
        *CLIENT,
        *("--config", str(file), "login", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env=client_environment(),
    )
    if process.stdout is None:
        raise RuntimeError("the client's output is not read")
    try:
        line = await process.stdout.readline()
        if not line:
            raise ApprovalError(f"the client's login ended with {await process.wait()}")
        async with http_client(loaded) as http:
            _loopback_is_secure(http)
            await approve(http, json.loads(line)["verificationUriComplete"], username, password)
        code = await asyncio.wait_for(process.wait(), 60)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if code:
        raise ApprovalError(f"the login was approved, but the client ended with {code}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.device_login")
    parser.add_argument("--config", type=Path, default=config.default_path())
    parser.add_argument("--username", required=True)
    parser.add_argument("--users", type=Path, required=True, help="the platform's test-users.json")
    given = parser.parse_args()
    users = json.loads(given.users.read_text(encoding="utf-8"))["users"]
    passwords = {user["username"]: user["password"] for user in users}
    if given.username not in passwords:
        parser.error(f"{given.username} is none of {', '.join(passwords)} in {given.users}")
    try:
        asyncio.run(login(given.config, given.username, passwords[given.username]))
    except (ApprovalError, httpx.TransportError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
