"""The collection without a checkout: built, installed into an empty path, and used from there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))


# Those of `ansible-test sanity` that fetch nothing; tests/sanity/README.md says why not the others.
SANITY = [
    *("action-plugin-docs", "compile", "empty-init", "ignores", "line-endings", "no-assert"),
    *("no-get-exception", "no-illegal-filenames", "no-smart-quotes", "replace-urlopen"),
    *("shebang", "symlinks", "use-argspec-type-path", "use-compat-six"),
]


COLLECT = "import pytest, sys; sys.exit(pytest.main(['--collect-only', '-q', *sys.argv[1:]]))"


def _venv(name: str) -> Path:
    """The programs of an environment that the Makefile makes."""
    key = hashlib.sha256((ROOT / f"requirements/{name}.txt").read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "trackunit-platform" / "venv" / f"{name}-{key}" / "bin"


class Installed:
    """An installed collection, and a folder of somebody who uses it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "collections"
        self.user = folder / "user"
        self.user.mkdir()
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
        } | {
            "HOME": str(folder / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.path),
            "ANSIBLE_NOCOLOR": "1",
            "TRACKUNIT_CACHE_DIR": str(folder / "cache"),
        }
        archive = f"{GALAXY['namespace']}-{GALAXY['name']}-{GALAXY['version']}.tar.gz"
        self.run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(folder))
        self.run(
            *("ansible-galaxy", "collection", "install", "--no-deps", "--offline"),
            *("-p", str(self.path), str(folder / archive)),
        )
        self.root = self.path / "ansible_collections" / GALAXY["namespace"] / GALAXY["name"]
        self.inventory = str(self.root / "inventory" / "local")

    def run(
        self,
        *command: str,
        fails: bool = False,
        folder: Path | None = None,
        programs: Path = BIN,
    ) -> str:
        """What a command of Ansible's, or of Python's, prints."""
        program, *arguments = command
        result = subprocess.run(
            [programs / program, *arguments],
            cwd=folder or self.user,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode != 0) is fails, result.stdout + result.stderr
        return result.stdout

    def play(self, *names: str, options: Sequence[str] = (), fails: bool = False) -> str:
        """What playbooks print, called by their full names with the collection's inventory."""
        playbooks = (f"trackunit.platform.{name}" for name in names)
        return self.run("ansible-playbook", "-i", self.inventory, *options, *playbooks, fails=fails)

    def documented(self, kind: str, *names: str) -> Mapping[str, Any]:
        """What `ansible-doc` shows, by name; what has no documentation is not there."""
        found: Mapping[str, Any] = json.loads(
            self.run("ansible-doc", "--json", "-t", kind, *names) or "{}"
        )
        return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("collection"))


def test_the_archive_holds_nothing_that_is_not_in_the_repository(installed: Installed) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    names = [
        entry["name"] for entry in json.loads((installed.root / "FILES.json").read_text())["files"]
    ]
    ignored = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        cwd=ROOT,
        input="\n".join(name for name in names if name != "."),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ignored.stdout.split() == []
    assert "supply/catalog.yml" in names


def test_every_playbook_is_known_by_its_full_name(installed: Installed) -> None:
    names = {file.stem for file in (ROOT / "playbooks").glob("*.yml")}
    said = installed.play(*names, options=["--syntax-check"])
    assert {Path(line).stem for line in said.splitlines() if line.startswith("playbook: ")} == names


def test_a_wrong_setting_stops_the_whole_platform_before_anything_changes(
    installed: Installed,
) -> None:
    said = installed.play("site", options=["-e", "kafka_provider=rumour"], fails=True)
    assert "kafka_provider is 'rumour'" in said
    assert " changed=0 " in said
    assert not (installed.user.parent / "home" / ".local").exists()


def test_settings_of_ones_own_beat_those_of_the_collection(installed: Installed) -> None:
    (installed.user / "settings" / "group_vars").mkdir(parents=True)
    (installed.user / "settings" / "hosts.yml").write_text("all: {}\n", encoding="utf-8")
    (installed.user / "settings" / "group_vars" / "all.yml").write_text(
        "platform_domain: graphql.test\n", encoding="utf-8"
    )
    shown = json.loads(
        installed.run(
            *(
                "ansible-inventory",
                "-i",
                installed.inventory,
                "-i",
                "settings",
                "--host",
                "localhost",
            )
        )
    )
    assert shown["platform_domain"] == "graphql.test"
    assert shown["kafka_provider"] == "kafka"


def test_parts_are_called_as_in_the_checkout(installed: Installed) -> None:
    resolve = ("python", "-m", "supply.builder", "resolve", "--source=packages")
    here = json.loads(installed.run(*resolve, folder=ROOT))
    there = installed.run(*resolve, folder=installed.root)
    # Charts are files, each at its place.
    assert json.loads(there.replace(str(installed.root), str(ROOT))) == here
    assert "graph-gateway" in here["supply_images"]


def test_the_tests_that_verify_runs_are_there_with_all_that_they_import(
    installed: Installed,
) -> None:
    said = installed.run(
        *("python", "-c", COLLECT, "tests/e2e", "tests/door"),
        folder=installed.root,
        programs=_venv("dev"),
    )
    assert "error" not in said.splitlines()[-1]
    assert "tests/e2e/test_recognition.py" in said


def test_what_runs_as_a_program_may_be_run(installed: Installed) -> None:
    programs = [
        file.relative_to(ROOT)
        for folder in ("supply", "roles", ".ci")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.stat().st_mode & 0o100
    ]
    assert Path("supply/bootstrap") in programs
    assert [file for file in programs if not (installed.root / file).stat().st_mode & 0o100] == []


def test_every_role_filter_lookup_and_module_is_documented(installed: Installed) -> None:
    roles = {f"trackunit.platform.{role.name}" for role in (ROOT / "roles").iterdir()}
    filters = set(
        json.loads(
            installed.run(*("ansible-doc", "--json", "-l", "-t", "filter", "trackunit.platform"))
        )
    )
    modules = {
        f"trackunit.platform.{file.stem}"
        for folder in ("modules", "action")
        for file in (ROOT / "plugins" / folder).glob("*.py")
    }
    assert installed.documented("role", *roles).keys() == roles
    shown = installed.documented("filter", *filters)
    # A file with several filters would show each of them the text of one.
    assert {shown[name]["doc"]["name"] for name in filters} == {
        name.removeprefix("trackunit.platform.") for name in filters
    }
    assert len(filters) > 10
    assert installed.documented("module", *modules).keys() == modules
    lookups = {f"trackunit.platform.{file.stem}" for file in (ROOT / "plugins/lookup").glob("*.py")}
    assert installed.documented("lookup", *lookups).keys() == lookups


def test_filters_are_documented_for_who_has_ansible_core_alone(installed: Installed) -> None:
    hidden = installed.user / "hidden"
    hidden.mkdir()
    modules = ("cryptography", "jsonschema", "kubernetes", "requests")
    (hidden / "sitecustomize.py").write_text(
        f"import sys\nsys.modules |= dict.fromkeys({modules})\n", encoding="utf-8"
    )
    result = subprocess.run(
        [BIN / "ansible-doc", "-l", "-t", "filter", "trackunit.platform"],
        env=installed.environment | {"PYTHONPATH": str(hidden)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "trackunit.platform.certificate_problems" in result.stdout
    assert "error occurred" not in result.stderr


def test_sanity(installed: Installed) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    tests = [word for name in SANITY for word in ("--test", name)]
    installed.run("ansible-test", "sanity", "--python", version, *tests, folder=installed.root)


def test_plays_do_not_depend_on_the_checkouts_ansible_cfg() -> None:
    plays = [
        play
        for file in (ROOT / "playbooks").glob("*.yml")
        for play in yaml.safe_load(file.read_text(encoding="utf-8"))
        if "hosts" in play
    ]
    assert [play["name"] for play in plays if play.get("gather_facts") is not False] == []
