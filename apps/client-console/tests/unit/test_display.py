"""What the table calls the pictures."""

from pathlib import Path

from client_fake_pictures import jpeg
from client_fake_platform import FakePlatform, Run

from client_console.display import short_names


def test_a_picture_is_called_by_its_file_name() -> None:
    assert short_names(["north/a.jpg", "b.jpg"]) == {"north/a.jpg": "a.jpg", "b.jpg": "b.jpg"}


def test_files_of_the_same_name_are_told_apart_by_their_folders() -> None:
    names = short_names(["x/north/a.jpg", "x/south/a.jpg", "/y/north/a.jpg", "a.jpg", "x/b.jpg"])
    assert names == {
        "x/north/a.jpg": "x/north/a.jpg",
        "x/south/a.jpg": "south/a.jpg",
        "/y/north/a.jpg": "y/north/a.jpg",
        "a.jpg": "a.jpg",
        "x/b.jpg": "b.jpg",
    }


def test_the_table_tells_two_files_of_the_same_name_apart(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    platform.log_in(tmp_path)
    files = [tmp_path / folder / "a.jpg" for folder in ("north", "south")]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(jpeg())
    done = run("upload", *files)
    assert "north/a.jpg" in done.out
    assert "south/a.jpg" in done.out
