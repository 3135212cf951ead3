"""The commands of client-console."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from client_console import config, graphql
from client_console.analysis import Analyst, Outcome
from client_console.asking import Notice, Patience
from client_console.config import Config
from client_console.display import Display, show_json, show_table
from client_console.errors import ClientError, Exit, UnreachableError, UsageError
from client_console.events import Events
from client_console.front_door import http_client
from client_console.graphql import GraphQL
from client_console.oidc import Identity, Prompt, not_approved
from client_console.pictures import Picture, check

T = TypeVar("T")

_EXITS = """\b
Exit codes:
  0    done; every picture was recognised
  1    the platform answered, but could not recognise a picture
  2    wrong usage, a wrong setting, or a file that is not a picture to send
  3    not logged in, or the token is not taken
  4    logged in, but not allowed
  5    the platform cannot be reached, is not trusted, or took too long
  6    the platform refused the request
  130  interrupted
Where several pictures fail, the code of the first that failed counts."""


@dataclass(frozen=True)
class Session:
    """What every command works with."""

    config: Config
    identity: Identity
    api: GraphQL
    notice: Notice
    patience: Patience


@click.group(epilog=_EXITS)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="client.json of the platform (default: the one that `make up` wrote).",
)
@click.version_option(package_name="client-console")
@click.pass_context
def cli(context: click.Context, config_file: Path | None) -> None:
    """Send pictures of machines through the platform's front door; see what they show."""
    context.obj = partial(config.load, config_file)


def _timeout(default: float) -> Callable[[Any], Any]:
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=default,
        show_default=True,
        help="Give up after this many seconds in all.",
    )


_as_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable on stdout.")
_wait = click.option("--wait/--no-wait", default=True, help="Wait for the result (default).")


@cli.command()
@_timeout(600)
@_as_json
@click.pass_obj
def login(load: Callable[[], Config], timeout: float, as_json: bool) -> None:
    """Log in: approve the shown code in a browser, here or on another device."""
    prompts: list[Prompt] = []

    def show(prompt: Prompt) -> None:
        prompts.append(prompt)
        if as_json:
            shown = {
                "verificationUri": prompt.url,
                "verificationUriComplete": prompt.complete_url,
                "userCode": prompt.user_code,
                "expiresIn": prompt.expires_in,
            }
            click.echo(json.dumps(shown))
        else:
            click.echo(f"Open {prompt.complete_url}")
            click.echo(f"or open {prompt.url} and enter the code {prompt.user_code}")
            most = min(prompt.expires_in, timeout)
            click.echo(f"Waiting for you, {_duration(most)} at most ...")
        sys.stdout.flush()

    async def work(session: Session) -> None:
        await session.identity.login(show)

    def too_late() -> ClientError | None:
        return not_approved(f"within {_duration(timeout)}") if prompts else None

    loaded = load()
    _run(loaded, work, timeout, too_late=too_late)
    click.echo(f"Logged in; tokens are in {loaded.token_file}", err=as_json)


@cli.command()
@click.pass_obj
def logout(load: Callable[[], Config]) -> None:
    """Forget the tokens on this machine."""

    async def work(session: Session) -> None:
        session.identity.logout()

    _run(load(), work, 10)
    click.echo("Logged out.")


@cli.command()
@_timeout(15)
@click.pass_obj
def token(load: Callable[[], Config], timeout: float) -> None:
    """Print a fresh access token, for another program."""

    async def work(session: Session) -> str:
        return await session.identity.token()

    click.echo(_run(load(), work, timeout))


@cli.command()
@_timeout(15)
@click.pass_obj
def ping(load: Callable[[], Config], timeout: float) -> None:
    """Ask the platform for a sign of life."""

    async def work(session: Session) -> str:
        return str((await session.api.run(graphql.PING))["ping"])

    click.echo(_run(load(), work, timeout))


@cli.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 16),
    default=4,
    show_default=True,
    help="Pictures under way at a time.",
)
@_timeout(300)
@_wait
@_as_json
@click.pass_obj
def upload(
    load: Callable[[], Config],
    *,
    files: tuple[Path, ...],
    parallel: int,
    timeout: float,
    wait: bool,
    as_json: bool,
) -> None:
    """Send pictures (JPEG, PNG, WebP) and show what was recognised on them.

    Every file is checked before the first is sent; those that are no good are left out.
    """
    loaded = load()
    # One upload per file, however often it is named.
    checked = [_checked(file, loaded.max_upload_bytes) for file in dict.fromkeys(files)]
    pictures = [found for found in checked if isinstance(found, Picture)]
    display = Display()

    async def work(session: Session) -> list[Outcome]:
        async with _analyst(session, display, wait=wait) as analyst:
            return await analyst.upload_all(
                pictures, concurrency=parallel, within=timeout, wait=wait
            )

    sent: list[Outcome] = []
    if pictures:
        with display:
            display.expect(pictures)
            sent = _run(loaded, work, None, display.notice)
    results = iter(sent)
    _finish([next(results) if isinstance(found, Picture) else found for found in checked], as_json)


@cli.command("request-analysis")
@click.argument("object_key")
@_timeout(120)
@_wait
@_as_json
@click.pass_obj
def request_analysis(
    load: Callable[[], Config], object_key: str, timeout: float, wait: bool, as_json: bool
) -> None:
    """Have a picture that you uploaded earlier analysed again."""
    display = Display()

    async def work(session: Session) -> Outcome:
        async with _analyst(session, display, wait=wait) as analyst:
            return await analyst.request(object_key, within=timeout, wait=wait)

    with display:
        outcome = _run(load(), work, None, display.notice)
    _finish([outcome], as_json)


def _checked(file: Path, limit: int) -> Picture | Outcome:
    """A picture to send, or why it is none."""
    try:
        return check(file, limit)
    except UsageError as problem:
        return Outcome(str(file), error=problem)


@contextlib.asynccontextmanager
async def _analyst(session: Session, display: Display, *, wait: bool) -> AsyncIterator[Analyst]:
    async with contextlib.AsyncExitStack() as stack:
        events = Events(session.config, session.identity, session.notice, session.patience)
        if wait:
            await stack.enter_async_context(events)
        storage = await stack.enter_async_context(http_client(session.config))
        yield Analyst(
            api=session.api,
            events=events,
            storage=storage,
            notice=session.notice,
            patience=session.patience,
            progress=display.progress,
        )


def _finish(outcomes: list[Outcome], as_json: bool) -> None:
    (show_json if as_json else show_table)(outcomes)
    sys.exit(next((outcome.exit for outcome in outcomes if outcome.exit), Exit.OK))


def _duration(seconds: float) -> str:
    return f"{seconds:g} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _print_notice(text: str) -> None:
    click.echo(text, err=True)


def _run(
    loaded: Config,
    work: Callable[[Session], Coroutine[Any, Any, T]],
    timeout: float | None,
    notice: Notice = _print_notice,
    too_late: Callable[[], ClientError | None] = lambda: None,
) -> T:
    async def run() -> T:
        patience = Patience()
        async with asyncio.timeout(timeout), http_client(loaded) as http:
            identity = Identity(loaded, http, notice, patience)
            api = GraphQL(loaded, http, identity, notice, patience)
            return await work(Session(loaded, identity, api, notice, patience))

    try:
        return asyncio.run(run())
    except TimeoutError:
        raise too_late() or UnreachableError(
            f"{loaded.host} gave no answer within {timeout:g} s. Is the platform up? `make status`."
        ) from None


def main() -> None:
    """Run a command; problems become one message on stderr and an exit code."""
    try:
        cli.main(standalone_mode=False)
    except ClientError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)
