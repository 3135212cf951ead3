import errno
from collections import deque
from pathlib import Path

import pytest
from client_fake_pictures import jpeg, png, webp
from client_fake_platform import RECOGNITION, FakePlatform, Run

from client_console.config import DEFAULT_MAX_UPLOAD_BYTES
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


def test_a_picture_that_cannot_be_analysed(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    platform.success = False
    done = run("upload", "--json", files[0])
    assert done.exit == Exit.NOT_RECOGNISED
    assert done.json()[0]["recognitionPayload"] is None


NOTHING_KNOWN = {
    "provider": RECOGNITION["provider"],
    "aggregate": {
        **dict.fromkeys(RECOGNITION["aggregate"]),
        "confidence": 0.0,
        "isConfident": False,
    },
}


def test_a_picture_that_shows_nothing_known(
    platform: FakePlatform, run: Run, files: list[Path]
) -> None:
    platform.recognition = NOTHING_KNOWN
    done = run("upload", files[0])
    assert done.exit == Exit.NOT_RECOGNISED
    assert "not recognised" in done.out
    assert "failed" not in done.err
    as_json = run("upload", "--json", files[0]).json()[0]
    assert (as_json["success"], as_json["error"]) == (True, None)
    assert as_json["recognitionPayload"] == NOTHING_KNOWN


@pytest.mark.parametrize("known", ["brand", "model"])
def test_a_brand_or_a_model_is_enough(
    platform: FakePlatform, run: Run, files: list[Path], known: str
) -> None:
    platform.recognition = {**NOTHING_KNOWN, "aggregate": {known: "EC220E"}}
    done = run("upload", files[0])
    assert done.exit == Exit.OK
    assert "not recognised" not in done.out


def test_a_name_that_looks_like_markup(run: Run, files: list[Path], tmp_path: Path) -> None:
    odd = tmp_path / "[red]a[bold]:car:.jpg"
    odd.write_bytes(jpeg())
    assert odd.name in run("upload", odd).out


def no_pictures(folder: Path) -> dict[Path, str]:
    """What can be named by mistake, and what is said about it."""
    contents = {
        "notes.jpg": b"some text",
        "empty.png": b"",
        "cut.jpg": jpeg()[:-10],
        "large.png": png() + bytes(DEFAULT_MAX_UPLOAD_BYTES),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    (folder / "round.jpg").symlink_to("round.jpg")
    return {
        folder / name: why
        for name, why in {
            "missing.png": "the file cannot be read: No such file or directory.",
            "round.jpg": "the file cannot be read: Too many levels of symbolic links.",
            f"{'long' * 100}.jpg": "the file cannot be read: File name too long.",
            "folder": "this is a folder; name the pictures in it.",
            "notes.jpg": "this is not a picture that the platform takes: JPEG, PNG or WebP.",
            "empty.png": "the file is empty.",
            "cut.jpg": "this JPEG was cut short; get the whole file and send that.",
            "large.png": "the file has 10.0 MiB; the platform takes up to 10 MiB.",
        }.items()
    }


def test_what_is_no_picture_is_left_out(
    platform: FakePlatform, run: Run, files: list[Path], tmp_path: Path
) -> None:
    bad = no_pictures(tmp_path)
    done = run("upload", files[0], *bad, *files)
    assert done.exit == Exit.USAGE
    for file, why in bad.items():
        assert f"{file}: {why}" in done.err
    assert len(platform.confirmed) == len(files)
    assert sorted(platform.stored.values()) == sorted(file.read_bytes() for file in files)


def test_results_stand_in_the_order_of_the_files(
    platform: FakePlatform, run: Run, files: list[Path], tmp_path: Path
) -> None:
    missing = tmp_path / "missing.png"
    done = run("upload", "--json", files[0], missing, files[1], files[0])
    assert done.exit == Exit.USAGE
    results = done.json()
    assert [result["file"] for result in results] == [*map(str, (files[0], missing, files[1]))]
    assert [result["success"] for result in results] == [True, None, True]
    assert results[1]["error"]["code"] == "USAGE"


def test_without_any_picture_nobody_is_asked(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    done = run("upload", *no_pictures(tmp_path))
    assert done.exit == Exit.USAGE
    assert platform.requests == []


def test_a_file_that_may_not_be_read(
    run: Run, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def denied(path: Path) -> bytes:
        # Modes would not do: they do not bind the superuser.
        if path == files[0]:
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    done = run("upload", "--json", *files)
    assert done.exit == Exit.USAGE
    first, *others = done.json()
    assert first["error"]["message"] == "the file cannot be read: Permission denied."
    assert [result["success"] for result in others] == [True, True]


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
