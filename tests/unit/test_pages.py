"""What the pages name is there: files, links, commands, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "supply/*.md", "apps/*/README.md", "roles/*/README.md")
    for page in ROOT.glob(pattern)
    if page.name != "CHANGELOG.md"
)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z0-9_-]*):", MAKEFILE, flags=re.MULTILINE))
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```", flags=re.DOTALL)
CHANGES = re.split(r"^## ", (ROOT / "docs" / "changes.md").read_text("utf-8"), flags=re.MULTILINE)


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    lines = CODE.sub("", _text(page)).splitlines()
    return {_anchor(line.lstrip("#")) for line in lines if line.startswith("#")}


def _settings() -> set[str]:
    """What an inventory may set: what it sets now, and the variables of every role."""
    found: set[str] = set()
    for file in (ROOT / "inventory" / "local" / "group_vars" / "all").glob("*.yml"):
        found |= yaml.safe_load(_text(file)).keys()
    for file in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(_text(file))["argument_specs"].values():
            found |= entry.get("options", {}).keys()
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(CODE.sub("", _text(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_targets_of_the_makefile(page: Path) -> None:
    lines = [line for block in CODE.findall(_text(page)) for line in block.splitlines()]
    said = {line for line in lines if line.startswith("make ")}
    said |= set(re.findall(r"`(make [^`]+)`", CODE.sub("", _text(page))))
    named = {re.split(r"[ =]", command)[1] for command in said if not command.startswith("make -")}
    assert named - TARGETS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_full_names_are_of_this_collection(page: Path) -> None:
    known = {role.name for role in (ROOT / "roles").iterdir()}
    known |= {file.stem for file in (ROOT / "playbooks").glob("*.yml")}
    known |= {file.stem for file in (ROOT / "plugins").glob("*/*")}
    named = re.findall(r"trackunit\.platform\.([a-z][a-z0-9_]*)", _text(page))
    assert set(named) - known == set()


@pytest.mark.parametrize("change", CHANGES[1:], ids=lambda change: change.splitlines()[0])
def test_an_everyday_change_touches_three_files_that_are_there(change: str) -> None:
    files = re.search(r"^\*\*Files:\*\* (.+)$", change, flags=re.MULTILINE)
    assert files
    named = re.findall(r"`([^`]+)`", files[1])
    assert 1 <= len(named) <= 3
    # What `make new-service` makes is not there before.
    assert [name for name in named if "thing" not in name and not (ROOT / name).exists()] == []
    assert re.search(r"^\*\*Apply:\*\* `make ", change, flags=re.MULTILINE)


@pytest.mark.parametrize("change", CHANGES[1:], ids=lambda change: change.splitlines()[0])
def test_an_everyday_change_sets_what_can_be_set(change: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", change, flags=re.DOTALL)
    named = {name for block in blocks for name in yaml.safe_load(block)}
    assert named - _settings() == set()
    for tag in re.findall(r"--tags ([\w-]+)", change):
        assert (ROOT / "roles" / tag).is_dir()


def test_there_are_ten_of_them_and_the_readme_leads_there() -> None:
    numbers = [change.split(".")[0] for change in CHANGES[1:]]
    assert numbers == [str(number) for number in range(1, 11)]
    assert "(docs/changes.md)" in _text(ROOT / "README.md")


def test_the_variable_of_a_service_is_one_of_its_settings() -> None:
    page = _text(ROOT / "docs" / "changes.md")
    found = re.search(r"^(\w+)_env: \{(\w+):", page, flags=re.MULTILINE)
    assert found
    service = found[1]
    settings = ROOT / "apps" / service.replace("_", "-") / "src" / service / "settings.py"
    assert found[2] in _text(settings) or found[2].lower() in _text(settings)
