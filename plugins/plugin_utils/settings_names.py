"""Names that look like a slip of the pen for one of the platform's.

A user's own variables are never refused for being unknown: only a name that is nearly one of ours,
that no other variable uses and that settings_own_names does not list is taken for a slip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# Shorter names differ by two letters too easily.
SHORT = 8


def slips(
    given: Mapping[str, Any], settings: Iterable[str], others: Iterable[str] = ()
) -> dict[str, str]:
    """What is nearly a known name, and which; ``others`` are known names that are no settings."""
    settings, others = list(settings), list(others)
    known = {*settings, *others}
    found = {}
    for name in sorted(given):
        if name in known or name.startswith(("ansible_", "_")):
            continue
        near = nearest(name, settings) or nearest(name, others)
        if near and not _used(name, given):
            found[name] = near
    return found


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs least, if that is little enough to be a slip."""
    words = sorted(name.lower().split("_"))
    best: tuple[int, str] | None = None
    for other in known:
        limit = 2 if len(other) >= SHORT else 1
        if words == sorted(other.split("_")):
            return other
        if abs(len(name) - len(other)) > limit:
            continue
        apart = distance(name.lower(), other)
        if apart <= limit and (best is None or apart < best[0]):
            best = apart, other
    return best[1] if best else None


def distance(one: str, two: str) -> int:
    """Letters to add, leave out, replace or swap with their neighbour until both are the same."""
    rows = [list(range(len(two) + 1))]
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(two, start=1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and b == one[i - 2]:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]


def _used(name: str, given: Mapping[str, Any]) -> bool:
    word = re.compile(rf"\b{re.escape(name)}\b")
    return any(
        isinstance(value, str) and word.search(value)
        for other, value in given.items()
        if other != name
    )


def role_variables(roles: Path) -> set[str]:
    """What the roles take besides the settings: the names in their defaults and vars."""
    return {
        name
        for kind in ("defaults", "vars")
        for file in roles.glob(f"*/{kind}/main.yml")
        for name in re.findall(r"^([a-z]\w*):", file.read_text(encoding="utf-8"), re.MULTILINE)
    }


def words(root: Path) -> set[str]:
    """Every word that the roles and playbooks use; names of facts are among them."""
    kinds = ("tasks", "templates", "defaults", "vars", "meta")
    files = [file for kind in kinds for file in root.glob(f"roles/*/{kind}/*")]
    return {
        word
        for file in [*files, *root.glob("playbooks/**/*.yml")]
        if file.is_file()
        for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))
    }
