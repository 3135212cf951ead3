"""Hosts that want a login or a token, and hosts whose certificate nobody knows."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from supply.builder.asking import Answer
from tests.support.hosts import (
    Host,
    Reply,
    host,
    index_of,
    own_authority,
)
from tests.support.questions import answer, download, image

AMD64 = index_of("amd64", "arm64")

pytestmark = pytest.mark.usefixtures("no_way_out")


def tokens(there: Host, *, good: bool) -> None:
    """A registry that wants a token, and hands it out to anyone."""
    realm = (
        f'Bearer realm="http://{there.name}/token",service="s",scope="repository:library/p:pull"'
    )

    def guard(path: str, headers: dict[str, str]) -> Reply | None:
        if not path.startswith("/v2/library") or headers.get("authorization") == "Bearer right":
            return None
        return Reply(401, headers={"WWW-Authenticate": realm})

    there.guard = guard
    there.say("/token", Reply(body=b'{"token": "right"}') if good else Reply(401))


def test_a_token_is_asked_for_and_shown(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    tokens(there, good=True)
    assert answer(image(there.name, digest)).answer is Answer.THERE
    assert "/token?service=s&scope=repository%3Alibrary%2Fp%3Apull" in there.paths()


def test_a_registry_that_wants_a_login(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    tokens(there, good=False)
    assert answer(image(there.name, digest)).answer is Answer.LOGIN
    there.guard = lambda path, _: Reply(403) if "manifests" in path else None
    assert answer(image(there.name, digest)).answer is Answer.LOGIN


def test_a_token_that_does_not_help(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    tokens(there, good=True)
    there.say("/token", Reply(body=b'{"access_token": "wrong"}'))
    assert answer(image(there.name, digest)).answer is Answer.LOGIN


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_what_docker_login_stored_is_shown(there: Host, tmp_path: Path, scheme: str) -> None:
    digest = there.image("library/p", AMD64)
    login = base64.b64encode(b"me:secret").decode()
    (tmp_path / "docker").mkdir()
    config = {"auths": {there.name: {"auth": login}}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(config))
    if scheme == "Bearer":
        tokens(there, good=True)
    else:
        challenge = Reply(401, headers={"WWW-Authenticate": 'Basic realm="r"'})
        there.guard = lambda path, headers: (
            challenge if "library" in path and "authorization" not in headers else None
        )
    assert answer(image(there.name, digest)).answer is Answer.THERE
    assert f"Basic {login}" in {shown for _, _, shown in there.asked}


def test_a_token_is_not_asked_for_in_the_clear(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    challenge = {"WWW-Authenticate": 'Bearer realm="http://tokens.example.com/",service="s"'}
    there.guard = lambda path, _: Reply(401, headers=challenge) if "library" in path else None
    assert answer(image(there.name, digest)).answer is Answer.LOGIN


def test_tls_of_an_unknown_ca_is_said(tmp_path: Path) -> None:
    context, _ = own_authority(tmp_path)
    with host(context) as there:
        digest = there.image("library/p", AMD64)
        found = answer(image(there.name, digest))
        assert found.answer is Answer.TLS
        assert "CERTIFICATE_VERIFY_FAILED" in found.detail
        assert answer(download(f"https://{there.name}/tool")).answer is Answer.TLS


def test_a_ca_of_the_systems_trust_store_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = own_authority(tmp_path)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with host(context) as there:
        digest = there.image("library/p", AMD64)
        assert answer(image(there.name, digest)).answer is Answer.THERE


def test_a_ca_that_the_engine_has_for_a_registry_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = own_authority(tmp_path)
    with host(context) as there:
        folder = tmp_path / "certs.d" / there.name
        folder.mkdir(parents=True)
        authority.rename(folder / "ca.crt")
        monkeypatch.setattr("supply.builder.web.DOCKER_CERTIFICATES", tmp_path / "certs.d")
        digest = there.image("library/p", AMD64)
        assert answer(image(there.name, digest)).answer is Answer.THERE
