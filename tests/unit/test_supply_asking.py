"""What a host answers is told apart: real connections to hosts of this machine, nothing patched."""

from __future__ import annotations

import hashlib
import json

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from supply.builder.ask import ask
from supply.builder.asking import Answer
from supply.builder.mirrors import Mirrors
from supply.builder.web import Patience, Web, failure
from tests.support.hosts import (
    MANIFEST,
    Host,
    Reply,
    closed_host,
    index_of,
    silent_host,
)
from tests.support.questions import QUICK, answer, download, image

AMD64 = index_of("amd64", "arm64")

pytestmark = pytest.mark.usefixtures("no_way_out")


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
