"""OpenID Connect: login by device code (RFC 8628), and a token that is always fresh."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from client_console.asking import Notice, Patience, persistently, send
from client_console.config import Config
from client_console.errors import ForbiddenError, LoginError, RefusedError
from client_console.tokens import TokenFile, Tokens

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_DEFAULT_INTERVAL_SECONDS = 5
_LOGIN_AGAIN = "run `client-console login`."


def not_approved(when: str) -> LoginError:
    """The issuer answered, but nobody entered the code."""
    return LoginError(f"Nobody approved the login in a browser {when}: {_LOGIN_AGAIN}")


@dataclass(frozen=True)
class Prompt:
    """What the user needs in order to approve the login in a browser."""

    url: str
    user_code: str
    complete_url: str
    expires_in: int


class Identity:
    """Talks to the issuer, and keeps the tokens that it gives."""

    def __init__(
        self, config: Config, http: httpx.AsyncClient, notice: Notice, patience: Patience
    ) -> None:
        self._config = config
        self._http = http
        self._notice = notice
        self._patience = patience
        self._file = TokenFile(config.token_file)
        self._refreshing = asyncio.Lock()
        self._endpoints: dict[str, Any] = {}

    async def login(self, show: Callable[[Prompt], None]) -> None:
        """Ask for a device code, show it, and wait until the user approved it elsewhere."""
        endpoint = await self._endpoint("device_authorization_endpoint")
        answer = await self._post(
            endpoint, {"client_id": self._config.client_id, "scope": self._config.scope}
        )
        if "device_code" not in answer:
            raise RefusedError(
                f"the issuer refuses the login: {_reason(answer)}. Does client"
                f" {self._config.client_id!r} allow the device code grant?"
            )
        expires_in = int(answer.get("expires_in", 600))
        show(
            Prompt(
                url=answer["verification_uri"],
                user_code=answer["user_code"],
                complete_url=answer.get("verification_uri_complete", answer["verification_uri"]),
                expires_in=expires_in,
            )
        )
        interval = float(answer.get("interval", _DEFAULT_INTERVAL_SECONDS))
        self._keep(await self._poll(answer["device_code"], interval, time.time() + expires_in))

    async def token(self, *, rejected: str = "") -> str:
        """An access token; not ``rejected``, which the platform has just refused."""
        async with self._refreshing:
            tokens = self._file.load()
            config = self._config
            if tokens is None:
                raise LoginError(f"You are not logged in: {_LOGIN_AGAIN}")
            if (tokens.issuer, tokens.client_id) != (config.issuer, config.client_id):
                raise LoginError(f"Your login is for {tokens.issuer}: {_LOGIN_AGAIN}")
            if tokens.fresh() and tokens.access_token != rejected:
                return tokens.access_token
            return (await self._refresh(tokens)).access_token

    def logout(self) -> None:
        self._file.remove()

    async def _poll(self, device_code: str, interval: float, deadline: float) -> dict[str, Any]:
        endpoint = await self._endpoint("token_endpoint")
        form = {
            "grant_type": DEVICE_GRANT,
            "client_id": self._config.client_id,
            "device_code": device_code,
        }
        while time.time() < deadline:
            await asyncio.sleep(interval)
            answer = await self._post(endpoint, form)
            error = answer.get("error")
            if error is None:
                return answer
            if error == "slow_down":
                interval += _DEFAULT_INTERVAL_SECONDS
            elif error == "access_denied":
                raise ForbiddenError("The login was declined in the browser.")
            elif error != "authorization_pending":
                break
        raise not_approved("in time")

    async def _refresh(self, tokens: Tokens) -> Tokens:
        if not tokens.refresh_token:
            raise LoginError(f"Your login has expired: {_LOGIN_AGAIN}")
        answer = await self._post(
            await self._endpoint("token_endpoint"),
            {
                "grant_type": "refresh_token",
                "client_id": self._config.client_id,
                "refresh_token": tokens.refresh_token,
            },
        )
        if "access_token" not in answer:
            raise LoginError(f"Your login has ended ({_reason(answer)}): {_LOGIN_AGAIN}")
        return self._keep(answer, tokens.refresh_token)

    def _keep(self, answer: dict[str, Any], refresh_token: str = "") -> Tokens:
        tokens = Tokens(
            issuer=self._config.issuer,
            client_id=self._config.client_id,
            access_token=answer["access_token"],
            expires_at=time.time() + float(answer.get("expires_in", 60)),
            refresh_token=answer.get("refresh_token", refresh_token),
        )
        self._file.save(tokens)
        return tokens

    async def _endpoint(self, name: str) -> str:
        if not self._endpoints:
            url = self._config.issuer.rstrip("/") + "/.well-known/openid-configuration"

            async def discover() -> dict[str, Any]:
                return _object(await send(self._http, self._http.build_request("GET", url)))

            found = await persistently(discover, "login host", self._notice, self._patience)
            if found.get("issuer") != self._config.issuer:
                raise RefusedError(
                    f"{url} is of issuer {found.get('issuer')!r}, not {self._config.issuer!r}:"
                    " correct the issuer in client.json."
                )
            self._endpoints = found
        if name not in self._endpoints:
            raise RefusedError(f"the issuer {self._config.issuer} offers no {name}.")
        return str(self._endpoints[name])

    async def _post(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        """Polling and refreshing may be repeated: the issuer's answer to both stays the same."""

        async def ask() -> dict[str, Any]:
            return _object(await send(self._http, self._http.build_request("POST", url, data=form)))

        return await persistently(ask, "login host", self._notice, self._patience)


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        values = response.json()
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise RefusedError(
            f"{response.url.host} answers {response.status_code} where an OpenID Connect issuer"
            " would give JSON: check the issuer in client.json."
        )
    return values


def _reason(answer: dict[str, Any]) -> str:
    return str(answer.get("error_description") or answer.get("error") or "no reason given")
