"""Secrets are made once, kept for their owner alone, and replaced only when asked to."""

from __future__ import annotations

import importlib.util
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

PLUGIN = Path(__file__).parents[2] / "plugins/modules/secret_files.py"
spec = importlib.util.spec_from_file_location("secret_files", PLUGIN)
assert spec and spec.loader
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

WANTED: dict[str, dict[str, Any]] = {
    "admin": {"alphabet": "text", "length": 32},
    "salt": {"alphabet": "hex", "length": 8},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def resolve(folder: Path, **options: Any) -> tuple[dict[str, str], list[str], bool]:
    arguments: dict[str, Any] = {"given": [], "rotate": [], "dry_run": False, **options}
    return module.resolve(folder, WANTED, **arguments)  # type: ignore[no-any-return]


def test_missing_secrets_are_generated_once(folder: Path) -> None:
    values, generated, changed = resolve(folder)
    assert generated == ["admin", "salt"]
    assert changed
    assert len(values["admin"]) == 32
    assert len(bytes.fromhex(values["salt"])) == 4
    assert resolve(folder) == (values, [], False)


def test_nobody_else_may_read_them(folder: Path) -> None:
    resolve(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    (folder / "admin").chmod(0o644)
    assert resolve(folder)[2]
    assert stat.S_IMODE((folder / "admin").stat().st_mode) == 0o600


def test_only_the_named_secret_is_rotated(folder: Path) -> None:
    before, _, _ = resolve(folder)
    after, generated, _ = resolve(folder, rotate=["admin"])
    assert generated == ["admin"]
    assert after["admin"] != before["admin"]
    assert after["salt"] == before["salt"]
    assert resolve(folder)[0] == after


def test_a_given_secret_is_not_generated(folder: Path) -> None:
    values, generated, _ = resolve(folder, given=["admin"])
    assert list(values) == generated == ["salt"]
    assert not (folder / "admin").exists()


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    _, generated, changed = resolve(folder, dry_run=True)
    assert changed
    assert generated == ["admin", "salt"]
    assert not folder.exists()


def run(capsys: pytest.CaptureFixture[str], folder: Path, **options: Any) -> dict[str, Any]:
    """What the module answers when Ansible calls it."""
    with (
        patch_module_args({"directory": str(folder), "secrets": WANTED, **options}),
        pytest.raises(SystemExit),
    ):
        module.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_module_answers_with_what_it_keeps(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    answer = run(capsys, folder, given=["admin"])
    assert answer["changed"]
    assert answer["generated"] == ["salt"]
    assert answer["secrets"] == {"salt": (folder / "salt").read_text().strip()}
    again = run(capsys, folder, given=["admin"])
    assert not again["changed"]
    assert again["secrets"] == answer["secrets"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rotate": ["nobody"]}, "no secret is called nobody; there are admin, salt"),
        ({"rotate": ["admin"], "given": ["admin"]}, "admin is given by credentials_given"),
    ],
)
def test_what_cannot_be_rotated_is_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, options: dict[str, Any], said: str
) -> None:
    answer = run(capsys, folder, **options)
    assert answer["failed"]
    assert said in answer["msg"]
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    answer = run(capsys, tmp_path / "file" / "secrets")
    assert answer["failed"]
    assert f"cannot keep secrets in {tmp_path}/file/secrets" in answer["msg"]
