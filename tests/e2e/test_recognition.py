"""Pictures all the way: from the client through every part of the platform and back."""

import json
from pathlib import Path
from typing import Any

import pytest

from client_console import graphql
from client_console.pictures import checksum
from tests.support.platform import (
    EXAMPLES,
    EXPECTED,
    Account,
    Platform,
    Upload,
    error_codes,
    run,
)

COMPARED = ("brand", "model", "type", "isConfident")
PICTURE = EXAMPLES / "volvo-ec220e.jpg"
UNMARKED = EXAMPLES / "unmarked-dozer.jpg"


@pytest.fixture(scope="module")
def results(alice: Account) -> dict[str, dict[str, Any]]:
    """Every example picture, sent by the client in one go."""
    done = alice.client("upload", "--json", *(EXAMPLES / name for name in EXPECTED))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(EXPECTED), done.stderr
    # One of them shows a machine without a name.
    assert done.returncode == 1, done.stderr
    return {Path(line["file"]).name: line for line in lines}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_picture_is_recognised(results: dict[str, dict[str, Any]], name: str) -> None:
    result = results[name]
    assert result["error"] is None
    assert result["success"] is True
    assert result["correlationId"]
    assert result["objectKey"].startswith("images/")
    found = result["recognitionPayload"]["aggregate"]
    wanted = {key: EXPECTED[name][key] for key in COMPARED}
    assert {key: found[key] for key in COMPARED} == wanted


def test_the_table(alice: Account) -> None:
    done = alice.client("upload", PICTURE)
    assert done.returncode == 0, done.stderr
    assert EXPECTED[PICTURE.name]["brand"] in done.stdout
    assert "not recognised" not in done.stdout


def test_the_table_of_what_shows_no_name(alice: Account) -> None:
    done = alice.client("upload", UNMARKED)
    assert done.returncode == 1, done.stderr
    assert "not recognised" in done.stdout


def test_an_analysis_is_asked_for_again(
    alice: Account, bob: Account, platform: Platform, results: dict[str, dict[str, Any]]
) -> None:
    first = results[PICTURE.name]
    done = alice.client("request-analysis", "--json", first["objectKey"])
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again["correlationId"] == first["correlationId"]
    assert again["recognitionPayload"] == first["recognitionPayload"]
    answer = platform.ask(bob.token(), graphql.REQUEST_ANALYSIS, objectKey=first["objectKey"])
    assert error_codes(answer) == ["FORBIDDEN"]


def confirm(
    platform: Platform, account: Account, upload: Upload, size: int, digest: str
) -> list[str]:
    answer = platform.ask(
        account.token(),
        graphql.CONFIRM_UPLOAD,
        uploadId=upload.upload_id,
        bytes=size,
        checksum=digest,
    )
    return error_codes(answer) if answer.json().get("errors") else []


def announced_to_nobody(platform: Platform, account: Account, upload: Upload) -> None:
    token = account.token()

    async def watch() -> None:
        async with platform.socket(token) as socket:
            await socket.init()
            # Also what happened before is replayed.
            await socket.subscribe(graphql.STARTED, correlationId=upload.correlation_id)
            await socket.nothing_within(5)

    run(watch())


def uploaded(
    platform: Platform, account: Account, content: bytes, content_type: str = "image/jpeg"
) -> Upload:
    upload = platform.start_upload(account.token(), "picture.jpg", content_type)
    assert platform.put(upload.put_url, content, content_type).status_code == 200
    return upload


def test_a_wrong_checksum_is_announced_to_nobody(platform: Platform, alice: Account) -> None:
    content = PICTURE.read_bytes()
    upload = uploaded(platform, alice, content)
    wrong = checksum(content + b"x")
    assert confirm(platform, alice, upload, len(content), wrong) == ["BAD_USER_INPUT"]
    announced_to_nobody(platform, alice, upload)


def test_a_wrong_size_is_announced_to_nobody(platform: Platform, alice: Account) -> None:
    content = PICTURE.read_bytes()
    upload = uploaded(platform, alice, content)
    given = confirm(platform, alice, upload, len(content) - 1, checksum(content))
    assert given == ["BAD_USER_INPUT"]
    announced_to_nobody(platform, alice, upload)


def test_what_is_no_picture_is_refused(platform: Platform, alice: Account) -> None:
    content = b"\xff\xd8\xff\xe0 this only begins like a JPEG"
    upload = uploaded(platform, alice, content)
    given = confirm(platform, alice, upload, len(content), checksum(content))
    assert given == ["BAD_USER_INPUT"]
    announced_to_nobody(platform, alice, upload)


def test_the_client_does_not_send_what_is_no_picture(alice: Account, tmp_path: Path) -> None:
    content = PICTURE.read_bytes()
    notes, cut = tmp_path / "notes.jpg", tmp_path / "cut.jpg"
    notes.write_text("no picture")
    cut.write_bytes(content[: len(content) // 2])
    done = alice.client("upload", "--json", notes, PICTURE, cut)
    assert done.returncode == 2, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["file"] for result in results] == [str(notes), str(PICTURE), str(cut)]
    assert [result["success"] for result in results] == [None, True, None]
    assert "not a picture" in results[0]["error"]["message"]
    assert "this JPEG was cut short" in results[2]["error"]["message"]


def test_an_upload_that_nobody_sent_cannot_be_confirmed(platform: Platform, alice: Account) -> None:
    upload = platform.start_upload(alice.token(), "picture.jpg", "image/jpeg")
    given = confirm(platform, alice, upload, 3, checksum(b"abc"))
    assert given == ["BAD_USER_INPUT"]


def test_an_unknown_upload(platform: Platform, alice: Account) -> None:
    unknown = Upload("0b0f4b6e-0d6c-4d3c-8f6f-1f0f5a1d2c3b", "", "", "")
    assert confirm(platform, alice, unknown, 3, checksum(b"abc")) == ["NOT_FOUND"]


def test_the_upload_of_someone_else_cannot_be_confirmed(
    platform: Platform, alice: Account, bob: Account
) -> None:
    content = PICTURE.read_bytes()
    upload = uploaded(platform, alice, content)
    given = confirm(platform, bob, upload, len(content), checksum(content))
    assert given == ["FORBIDDEN"]
    announced_to_nobody(platform, alice, upload)
