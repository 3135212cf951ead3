"""Who gets in over HTTP, and what the door says to the others."""

import base64
import json
import time

import pytest

from client_console import graphql
from tests.support.platform import Account, Platform, error_codes


def test_ping(platform: Platform, alice: Account) -> None:
    assert platform.data(alice.token(), graphql.PING) == {"ping": "pong"}


def test_ping_by_the_client(alice: Account) -> None:
    done = alice.client("ping")
    assert (done.returncode, done.stdout) == (0, "pong\n"), done.stderr


def refused(platform: Platform, token: str) -> None:
    answer = platform.ask(token, graphql.PING)
    assert answer.status_code == 401, answer.text
    assert "location" not in answer.headers
    assert "pong" not in answer.text


def test_refused_without_a_token(platform: Platform) -> None:
    refused(platform, "")


def test_refused_without_a_token_by_get(platform: Platform) -> None:
    answer = platform.request("GET", f"{platform.config.endpoint}?query=%7Bping%7D")
    assert answer.status_code == 401, answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_refused_with_a_bad_token(platform: Platform, token: str) -> None:
    refused(platform, token)


def test_refused_with_a_changed_token(platform: Platform, alice: Account) -> None:
    head, _, signature = alice.token().split(".")
    claims = {
        "iss": platform.config.issuer,
        "aud": "api://trackunit",
        "sub": "someone",
        "scp": "access_as_user",
        "exp": int(time.time()) + 600,
    }
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    refused(platform, f"{head}.{body}.{signature}")


def test_refused_with_a_token_for_another_audience(platform: Platform, other_audience: str) -> None:
    refused(platform, other_audience)


def test_forbidden_without_the_scope(platform: Platform, without_scope: Account) -> None:
    token = without_scope.token()
    assert platform.data(token, graphql.PING) == {"ping": "pong"}
    answer = platform.ask(token, graphql.START_UPLOAD, filename="a.png", contentType="image/png")
    assert answer.status_code == 403, answer.text
    assert error_codes(answer) == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("query { ping ", "GRAPHQL_PARSE_FAILED"),
        ("query { pong }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { startUpload { correlationId } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { onAnalysisStarted { objectKey } }", "BAD_USER_INPUT"),
    ],
)
def test_an_invalid_request_gets_an_error_with_a_code(
    platform: Platform, alice: Account, query: str, code: str
) -> None:
    answer = platform.ask(alice.token(), query)
    assert set(error_codes(answer)) == {code}
    assert "Traceback" not in answer.text


def test_a_content_type_that_is_no_picture_is_refused(platform: Platform, alice: Account) -> None:
    answer = platform.ask(
        alice.token(), graphql.START_UPLOAD, filename="a.pdf", contentType="application/pdf"
    )
    assert error_codes(answer) == ["BAD_USER_INPUT"]


def test_the_issuer_is_what_its_tokens_say(platform: Platform) -> None:
    issuer = platform.config.issuer
    found = platform.request("GET", f"{issuer}/.well-known/openid-configuration").json()
    assert found["issuer"] == issuer
    for name in ("jwks_uri", "token_endpoint", "device_authorization_endpoint"):
        assert found[name].startswith(f"{issuer}/")


def test_the_client_says_when_it_is_not_logged_in(alice: Account) -> None:
    stranger = Account("stranger", alice.file.parent / "stranger" / "client.json")
    stranger.file.parent.mkdir(exist_ok=True)
    stranger.file.write_text(alice.file.read_text())
    done = stranger.client("ping")
    assert done.returncode == 3
    assert "client-console login" in done.stderr
