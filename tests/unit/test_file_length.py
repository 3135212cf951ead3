"""A file is short enough to be read at once."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("apps", "examples", "supply", "tests")
MOST_LINES = 310


def test_no_python_file_is_long() -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for folder in FOLDERS
        for file in (ROOT / folder).rglob("*.py")
    }
    assert lengths
    long = {file: lines for file, lines in lengths.items() if lines > MOST_LINES}
    assert long == {}, "give each responsibility a module of its own"
