from collections import deque
from pathlib import Path

import pytest
from client_fake_pictures import jpeg, png, webp
from client_fake_platform import RECOGNITION, FakePlatform, Run

from client_console.errors import Exit


@pytest.fixture
def files(platform: FakePlatform, tmp_path: Path) -> list[Path]:
    platform.log_in(tmp_path)
    contents = {"a.jpg": jpeg(), "b.png": png(), "c.webp": webp()}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def test_pictures_travel_all_the_way(platform: FakePlatform, run: Run, files: list[Path]) -> None:
    done = run("upload", "--json", *files)
    assert done.exit == Exit.OK, done.err
    results = done.json()
    assert [result["file"] for result in results] == [str(file) for file in files]
    assert all(result["recognitionPayload"] == RECOGNITION for result in results)
    assert sorted(platform.stored.values()) == sorted(file.read_bytes() for file in files)
    assert {result["correlationId"] for result in results} == {
        upload["correlationId"] for upload in platform.confirmed
    }
    assert platform.sockets == 1
    assert f"{files[0]}: analysing" in done.err or f"{files[0]}: done" in done.err


def test_the_table_names_what_was_seen(run: Run, files: list[Path]) -> None:
    done = run("upload", files[0])
    assert done.exit == Exit.OK
    for word in ("a.jpg", "Volvo", "EC220E", "excavator", "0.93", "recognised"):
        assert word in done.out


def test_the_storage_is_not_shown_the_token(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    run("upload", files[0])
    assert [token for path, token in platform.authorizations if "tu-images" in path] == [""]


def test_more_pictures_than_at_a_time(
    platform: FakePlatform, run: Run, files: list[Path], tmp_path: Path
) -> None:
    many = [tmp_path / f"{number}.png" for number in range(12)]
    for number, file in enumerate(many):
        file.write_bytes(png(number + 1))
    assert run("upload", "--parallel", 3, *many).exit == Exit.OK
    assert len(platform.confirmed) == 12


def test_a_picture_that_shows_nothing_known(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    platform.success = False
    done = run("upload", "--json", files[0])
    assert done.exit == Exit.NOT_RECOGNISED
    assert done.json()[0]["recognitionPayload"] is None


def test_one_bad_file_and_nothing_is_sent(
    platform: FakePlatform, run: Run, files: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "notes.jpg").write_text("not a picture")
    done = run("upload", *files, tmp_path / "notes.jpg", tmp_path / "missing.png")
    assert done.exit == Exit.USAGE
    assert "notes.jpg is not a picture" in done.err
    assert "missing.png does not exist" in done.err
    assert "Nothing was sent" in done.err
    assert platform.requests == []


def test_without_a_login(run: Run, files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "token.json").unlink()
    done = run("upload", files[0])
    assert done.exit == Exit.NOT_LOGGED_IN
    assert "client-console login" in done.err


@pytest.mark.parametrize("step", ["startUpload", "put", "confirmUpload"])
@pytest.mark.parametrize("failure", [0, 502, 503, 504])
def test_steps_are_tried_again(
    platform: FakePlatform, run: Run, files: list[Path], step: str, failure: int
) -> None:
    platform.failures[step] = deque([failure, failure])
    assert run("upload", files[0]).exit == Exit.OK


def test_a_part_of_the_platform_that_is_away_is_waited_for(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    platform.failures["confirmUpload"] = deque([503, 503, 503, 503])
    done = run("upload", files[0])
    assert done.exit == Exit.OK
    assert "503" in done.err
    assert "Trying again" in done.err


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("FORBIDDEN", Exit.FORBIDDEN),
        ("UNAUTHENTICATED", Exit.NOT_LOGGED_IN),
        ("BAD_USER_INPUT", Exit.REFUSED),
        ("INTERNAL", Exit.REFUSED),
    ],
)
def test_refusals_have_their_exit_codes(
    platform: FakePlatform, run: Run, files: list[Path], code: str, expected: Exit
) -> None:
    platform.refusals["confirmUpload"] = {"message": "No.", "extensions": {"code": code}}
    done = run("upload", "--json", files[0])
    assert done.exit == expected
    assert done.json()[0]["error"]["code"] == code


def test_the_storage_refuses(platform: FakePlatform, run: Run, files: list[Path]) -> None:
    platform.failures["put"] = deque([403])
    done = run("upload", files[0])
    assert done.exit == Exit.REFUSED
    assert "upload it again" in done.err
    assert platform.confirmed == []


def test_events_survive_dropped_connections(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    platform.drop_before_result = 2
    assert run("upload", *files).exit == Exit.OK
    assert platform.sockets == 3


@pytest.mark.parametrize("code", [1001, 1012, 4401, 4403])
def test_a_socket_that_is_refused_once(
    platform: FakePlatform, run: Run, files: list[Path], code: int
) -> None:
    platform.close_sockets = deque([code])
    assert run("upload", files[0]).exit == Exit.OK


@pytest.mark.parametrize(
    ("code", "expected"),
    [(4401, Exit.NOT_LOGGED_IN), (4403, Exit.FORBIDDEN), (4400, Exit.REFUSED)],
)
def test_a_socket_that_is_refused_for_good(
    platform: FakePlatform, run: Run, files: list[Path], code: int, expected: Exit
) -> None:
    platform.close_sockets = deque([code] * 9)
    assert run("upload", files[0]).exit == expected
    assert platform.stored == {}


def test_the_time_limit_names_the_last_step(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    platform.silent = True
    done = run("upload", "--timeout", 1.5, files[0])
    assert done.exit == Exit.UNREACHABLE
    assert "no result within 1.5 s, the last step was: analysing" in done.err
    assert "request-analysis images/" in done.err


def test_not_waiting(platform: FakePlatform, run: Run, files: list[Path]) -> None:
    done = run("upload", "--no-wait", "--json", files[0])
    assert done.exit == Exit.OK
    assert done.json()[0]["success"] is None
    assert platform.sockets == 0


def test_a_repeated_analysis_is_not_confused_with_the_first(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    key = run("upload", "--json", files[0]).json()[0]["objectKey"]
    platform.success = False
    platform.drop_before_result = 1
    done = run("request-analysis", "--json", key)
    assert done.exit == Exit.NOT_RECOGNISED
    assert done.json()[0]["success"] is False
