"""What a host answers is told apart: real connections to hosts of this machine, nothing patched."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml
from urllib3.exceptions import MaxRetryError, NameResolutionError

from supply.builder.ask import ask
from supply.builder.asking import Answer, Finding, Question, chart_entry, questions_of
from supply.builder.catalog import Chart, Part, Recipe
from supply.builder.mirrors import Mirrors, Reference
from supply.builder.web import Patience, Web, failure
from tests.support.hosts import (
    MANIFEST,
    Host,
    Reply,
    closed_host,
    host,
    index_of,
    own_authority,
    packed_chart,
    silent_host,
)

AMD64 = index_of("amd64", "arm64")
QUICK = Patience(connect=2, read=0.5, tries=3, pause=0.01, total=60)


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy and no login of the person who runs the tests."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def there() -> Iterator[Host]:
    with host() as made:
        yield made


def image(where: str, digest: str, architecture: str = "amd64") -> Question:
    part = Part("p", "1", "w", None, registry_image=f"{where}/library/p:1@{digest}")
    (question,) = questions_of(part, Mirrors(), architecture)
    return question


def chart(where: str, sha256: str, *, name: str = "c", version: str = "1.0.0") -> Question:
    place = Chart(version, sha256, name=name, repo=f"http://{where}/charts")
    (question,) = questions_of(Part("p", "1", "w", None, registry_chart=place), Mirrors(), "amd64")
    return question


def download(url: str, architecture: str = "amd64") -> Question:
    files = {"tool": {"amd64": {"url": url, "sha256": "0" * 64}}}
    part = Part("p", "1", "w", None, registry_recipe=Recipe("download", options={"files": files}))
    (question,) = questions_of(part, Mirrors(), architecture)
    return question


def answer(question: Question, pauses: list[float] | None = None) -> Finding:
    """The one question's answer, without waiting between tries."""
    web = Web(QUICK, sleep=[].append if pauses is None else pauses.append)
    (finding,) = ask([question], Mirrors(), web)
    return finding


def test_an_image_that_is_there(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    assert answer(image(there.name, digest)).answer is Answer.THERE
    assert answer(image(there.name, digest, "arm64")).answer is Answer.THERE


def test_429_is_waited_for_as_long_as_it_asks(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    path = f"/v2/library/p/manifests/{digest}"
    there.answers[path].insert(0, Reply(429, headers={"Retry-After": "7"}))
    pauses: list[float] = []
    assert answer(image(there.name, digest), pauses).answer is Answer.THERE
    assert pauses == [7.0]


def test_429_that_asks_for_hours_is_not_waited_for(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    there.say(f"/v2/library/p/manifests/{digest}", Reply(429, headers={"Retry-After": "21600"}))
    pauses: list[float] = []
    found = answer(image(there.name, digest), pauses)
    assert found.answer is Answer.REFUSED
    assert "asks to wait 21600 s" in found.detail
    assert pauses == []


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_host_that_refuses_is_asked_a_few_times(there: Host, status: int) -> None:
    digest = there.image("library/p", AMD64)
    path = f"/v2/library/p/manifests/{digest}"
    there.say(path, Reply(status))
    pauses: list[float] = []
    found = answer(image(there.name, digest), pauses)
    assert (found.answer, found.detail) == (Answer.REFUSED, f"HTTP {status}")
    assert there.paths("GET").count(path) == QUICK.tries
    assert pauses == [QUICK.pause, 2 * QUICK.pause]


def test_a_host_where_nobody_listens() -> None:
    found = answer(image(closed_host(), "sha256:" + "0" * 64))
    assert (found.answer, found.detail) == (Answer.UNREACHABLE, "it refuses connections")


def test_a_host_that_takes_connections_and_never_answers() -> None:
    with silent_host() as name:
        found = answer(download(f"http://{name}/tool"))
        assert (found.answer, found.detail) == (Answer.UNREACHABLE, "no answer within 0.5 s")
        assert answer(image(name, "sha256:" + "0" * 64)).answer is Answer.UNREACHABLE


def test_a_machine_without_a_way_out_waits_for_one_time_out() -> None:
    patience = Patience(reach=0.5, connect=600, read=600, total=600)
    with silent_host() as name:
        questions = [image(name, f"sha256:{number:064x}") for number in range(30)]
        found = ask(questions, Mirrors(), Web(patience, sleep=[].append))
    assert {one.answer for one in found} == {Answer.UNREACHABLE}
    assert {one.detail for one in found} == {"no answer within 0.5 s"}


def test_a_name_that_cannot_be_resolved() -> None:
    reason = NameResolutionError("nowhere", None, OSError("unknown"))  # type: ignore[arg-type]
    error = requests.ConnectionError(MaxRetryError(None, "/", reason))  # type: ignore[arg-type]
    found = failure(error, QUICK)
    assert (found.answer, found.detail) == (Answer.UNREACHABLE, "its name cannot be resolved")
    assert not found.again


def test_one_try_stands_for_all_that_is_on_a_host() -> None:
    gone = closed_host()
    questions = [image(gone, f"sha256:{number:064x}") for number in range(30)]
    found = ask(questions, Mirrors(), Web(QUICK, sleep=[].append))
    assert {one.answer for one in found} == {Answer.UNREACHABLE}
    assert [one.question for one in found] == questions


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


def test_a_digest_that_is_gone(there: Host) -> None:
    assert answer(image(there.name, "sha256:" + "1" * 64)).answer is Answer.GONE


def test_content_that_is_not_what_the_digest_names(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    there.say(f"/v2/library/p/manifests/{digest}", Reply(body=index_of("amd64", salt="other")))
    found = answer(image(there.name, digest))
    assert found.answer is Answer.OTHER
    assert found.detail.startswith("content is sha256:")


def test_half_a_body_is_asked_for_again(there: Host) -> None:
    digest = there.image("library/p", AMD64)
    path = f"/v2/library/p/manifests/{digest}"
    there.answers[path].insert(0, Reply(body=AMD64, half=True))
    assert answer(image(there.name, digest)).answer is Answer.THERE
    there.say(path, Reply(body=AMD64, half=True))
    found = answer(image(there.name, digest))
    assert (found.answer, found.detail) == (Answer.REFUSED, "it breaks off in the middle")


def test_an_image_for_another_architecture(there: Host) -> None:
    digest = there.image("library/p", index_of("arm64", "s390x"))
    found = answer(image(there.name, digest))
    assert (found.answer, found.detail) == (Answer.ARCHITECTURE, "arm64, s390x only")


@pytest.mark.parametrize(
    ("architecture", "expected"), [("amd64", Answer.THERE), ("arm64", Answer.ARCHITECTURE)]
)
def test_an_image_without_an_index(there: Host, architecture: str, expected: Answer) -> None:
    configuration = json.dumps({"architecture": "amd64", "os": "linux"}).encode()
    named = "sha256:" + hashlib.sha256(configuration).hexdigest()
    manifest = json.dumps({"config": {"digest": named}, "layers": []}).encode()
    digest = there.image("library/p", manifest, media_type=MANIFEST)
    there.say(f"/v2/library/p/blobs/{named}", Reply(body=configuration))
    assert answer(image(there.name, digest, architecture)).answer is expected


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


def test_a_chart_that_is_there(there: Host) -> None:
    sha256 = there.chart("/charts", "c", "1.0.0")
    assert answer(chart(there.name, sha256)).answer is Answer.THERE


def test_a_chart_whose_archive_is_gone(there: Host) -> None:
    sha256 = there.chart("/charts", "c", "1.0.0")
    there.say("/charts/c-1.0.0.tgz", Reply(404))
    assert answer(chart(there.name, sha256)).answer is Answer.GONE


def test_a_chart_repository_that_is_gone(there: Host) -> None:
    found = answer(chart(there.name, "0" * 64))
    assert (found.answer, found.detail) == (Answer.GONE, "HTTP 404")


def test_a_chart_version_that_is_gone(there: Host) -> None:
    sha256 = there.chart("/charts", "c", "1.0.1")
    found = answer(chart(there.name, sha256))
    assert (found.answer, found.detail) == (Answer.GONE, "no c 1.0.0 in its index")


@pytest.mark.parametrize("style", [None, True])
def test_an_index_may_be_written_in_any_style(there: Host, style: bool | None) -> None:
    sha256 = there.chart("/charts", "c", "1.0.0")
    index = yaml.safe_load(there.answers["/charts/index.yaml"][0].body)
    index["entries"]["c"].insert(0, {"version": "1.0.0-rc1", "urls": [], "digest": "0"})
    index["entries"] |= {"b": [{"version": "1.0.0"}], "d": [{"version": "1.0.0"}]}
    text = yaml.safe_dump(index, default_flow_style=style).encode()
    there.say("/charts/index.yaml", Reply(body=text))
    assert answer(chart(there.name, sha256)).answer is Answer.THERE


def test_an_index_as_helm_writes_it() -> None:
    index = b"""apiVersion: v1
entries:
  other:
  - name: other
    version: 1.0.0
  c:
  - annotations:
      notes: |
        version: 1.0.0

    name: c
    urls:
    - https://example.com/c-1.0.1.tgz
    version: 1.0.1
  - name: c
    dependencies:
    - name: other
      version: 1.0.0
    urls:
    - https://example.com/c-1.0.0.tgz
    version: v1.0.0
  e: []
generated: "2026-01-01T00:00:00Z"
"""
    entry = chart_entry(index, Chart("1.0.0", "0" * 64, name="c"))
    assert entry
    assert entry["urls"] == ["https://example.com/c-1.0.0.tgz"]
    assert chart_entry(index, Chart("1.0.2", "0" * 64, name="c")) is None


def test_another_chart_under_the_same_version(there: Host) -> None:
    there.chart("/charts", "c", "1.0.0")
    assert answer(chart(there.name, "0" * 64)).answer is Answer.OTHER


def test_a_page_instead_of_an_index(there: Host) -> None:
    there.say("/charts/index.yaml", Reply(body=b"<html>: log in: here\n\t</html>"))
    assert answer(chart(there.name, "0" * 64)).answer is Answer.OTHER


@pytest.mark.parametrize("pinned", [True, False])
def test_a_chart_in_a_registry(there: Host, pinned: bool) -> None:
    archive = packed_chart("c", "1.0.0")
    sha256 = hashlib.sha256(archive).hexdigest()
    layer = {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip"}
    manifest = json.dumps({"layers": [{**layer, "digest": f"sha256:{sha256}"}]}).encode()
    there.say("/v2/charts/c/manifests/1.0.0", Reply(body=manifest))
    place = Chart("1.0.0", sha256 if pinned else "0" * 64, ref=f"oci://{there.name}/charts/c")
    (question,) = questions_of(Part("p", "1", "w", None, registry_chart=place), Mirrors(), "amd64")
    assert answer(question).answer is (Answer.THERE if pinned else Answer.OTHER)


def test_a_download(there: Host) -> None:
    there.say("/tool", Reply(body=b"x"))
    assert answer(download(f"http://{there.name}/tool")).answer is Answer.THERE
    assert there.paths("GET") == []
    found = answer(download(f"http://{there.name}/tool", "arm64"))
    assert found.answer is Answer.ARCHITECTURE
    assert answer(download(f"http://{there.name}/other")).answer is Answer.GONE


def test_a_store_that_knows_no_head(there: Host) -> None:
    there.say("/tool", Reply(403), Reply(body=b"x"))
    assert answer(download(f"http://{there.name}/tool")).answer is Answer.THERE


def test_docker_hubs_registry_has_another_name() -> None:
    reference = Reference.of("docker.io/library/kong:3.9.1@sha256:00")
    assert reference.api_host == "registry-1.docker.io"
    assert (reference.repository, reference.tag) == ("library/kong", "3.9.1")
    assert Reference.of("127.0.0.1:5000/a/b@sha256:00").repository == "a/b"
