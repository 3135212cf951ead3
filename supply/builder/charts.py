"""Charts of this repository, handed out under a version that names their content.

Helm's module upgrades a release when the chart's name, its version or the values differ. So a
changed template would not reach a running platform under the version that the chart had before.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from supply.builder.catalog import ROOT
from supply.builder.keys import KEY_LENGTH, files_of
from supply.builder.tools import cache_dir

CHARTS = ROOT / "charts"
_VERSION = re.compile(r"^version: *(\S+) *$", re.MULTILINE)


def content(chart: Path) -> str:
    """A hash of a chart's files and of their places in it."""
    digest = hashlib.sha256()
    for file in files_of(chart):
        digest.update(f"{file.relative_to(chart)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:KEY_LENGTH]


def own_chart(name: str) -> Path | None:
    """The folder of our chart of this name, its version ending in its content; None without one."""
    source = CHARTS / name
    if not source.is_dir():
        return None
    key = content(source)
    made = cache_dir() / "store" / f"chart-{name}-{key}"
    if not made.exists():
        _copy(source, made, key)
    return made


def _copy(source: Path, made: Path, key: str) -> None:
    """Copy beside the place and move, so that a folder of this name is always complete."""
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent, prefix=".chart-") as work:
        copy = Path(work) / made.name
        shutil.copytree(source, copy)
        about = copy / "Chart.yaml"
        text = about.read_text(encoding="utf-8")
        # Build metadata, which SemVer leaves out of any comparison of versions.
        about.write_text(_VERSION.sub(rf"version: \1+{key}", text, count=1), encoding="utf-8")
        try:
            copy.rename(made)
        except OSError:
            # Another run was faster, with the same content.
            if not made.exists():
                raise
