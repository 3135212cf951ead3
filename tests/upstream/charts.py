"""Charts: where they are to be had, and what comes out of them."""

import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import yaml

from supply.builder.asking import chart_question
from supply.builder.catalog import load
from supply.builder.fetch import fetch_chart
from supply.builder.machine import architecture
from supply.builder.supply import NO_MIRRORS, chart_file
from supply.builder.tools import BuildError

ROOT = Path(__file__).resolve().parents[2]
GIVEN = "TRACKUNIT_UPSTREAM_CHARTS"
"""Names a folder of upstream charts: ``<name>/`` or ``<name>-<version>.tgz``."""

Resource = dict[str, Any]


class NotHereError(Exception):
    """A chart cannot be had here; the message says from where it was to come."""


@functools.cache
def catalog() -> dict[str, Any]:
    """The parts of supply/catalog.yml as they are written there."""
    text = (ROOT / "supply/catalog.yml").read_text(encoding="utf-8")
    parts: dict[str, Any] = yaml.safe_load(text)["parts"]
    return parts


def pinned() -> dict[str, dict[str, str]]:
    """The upstream chart of each part that has one, as the catalog pins it."""
    charts = {name: (part.get("registry") or {}).get("chart") for name, part in catalog().items()}
    return {name: chart for name, chart in charts.items() if chart}


def public_images() -> dict[str, str]:
    """The public image of each part that has one."""
    images = {name: (part.get("registry") or {}).get("image") for name, part in catalog().items()}
    return {name: image for name, image in images.items() if image}


@functools.cache
def resolved(source: str) -> dict[str, Any]:
    """What the builder says of all parts from this source."""
    done = subprocess.run(
        [sys.executable, "-m", "supply.builder", "resolve", "--source", source],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the supply catalog does not resolve: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def helm() -> Path:
    """The builder's Helm; an error says how to make it where it is not there."""
    found = Path(resolved("packages")["supply_binaries"]["helm"])
    if not found.exists():
        raise RuntimeError("helm is not there yet: .venv/bin/python -m supply.builder build helm")
    return found


def ours(part: str) -> Path:
    """The folder of our chart."""
    return ROOT / "charts" / part


def upstream(part: str, folder: Path) -> Path:
    """The part's upstream chart at the pinned version, unpacked into ``folder``.

    It is looked for in the folder that TRACKUNIT_UPSTREAM_CHARTS names, then where the builder
    keeps what it fetched.
    """
    chart = pinned()[part]
    given = os.environ.get(GIVEN)
    candidates = []
    if given:
        candidates = [
            Path(given) / chart["name"],
            Path(given) / f"{chart['name']}-{chart['version']}.tgz",
        ]
    else:
        candidates = [_fetched(part)]
    for candidate in candidates:
        if candidate.is_file() or candidate.is_dir():
            return _unpacked(candidate, folder / chart["name"], chart["version"])
    looked = f"in {given}" if given else f"from {chart['repo']} (and {GIVEN} names no folder)"
    raise NotHereError(f"chart {chart['name']} {chart['version']} cannot be had {looked}")


def _fetched(part: str) -> Path:
    """The packed chart as the builder fetches it for a platform, from the pinned repository."""
    entry = load()[part]
    archive = chart_file(entry)
    question = chart_question(entry, NO_MIRRORS, architecture())
    if question and not archive.exists():
        try:
            fetch_chart(question, NO_MIRRORS, archive)
        except BuildError as error:
            raise NotHereError(str(error)) from error
    return archive


def _unpacked(found: Path, to: Path, version: str) -> Path:
    if found.is_dir():
        shutil.copytree(found, to)
    else:
        with tarfile.open(found) as archive:
            archive.extractall(to.parent, filter="data")
    about = yaml.safe_load((to / "Chart.yaml").read_text(encoding="utf-8"))
    if about["version"] != version:
        raise RuntimeError(f"{found} is version {about['version']}, the catalog pins {version}")
    if missing := _without(about, to, found.parent):
        raise RuntimeError(f"{found} needs the charts {', '.join(missing)}, which are not there")
    (to / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    return to


def _without(about: dict[str, Any], to: Path, beside: Path) -> list[str]:
    """Bring the dependencies of a chart from its sources; the names of those that are missing.

    A packed chart has them. In a folder of sources a library lies beside the charts that use it,
    and a dependency that a condition leaves out can be left out of Chart.yaml.
    """
    missing, kept = [], []
    for dependency in about.get("dependencies") or ():
        name = dependency["name"]
        if not list((to / "charts").glob(f"{name}*")):
            if (beside / name).is_dir():
                shutil.copytree(beside / name, to / "charts" / name)
            elif "condition" in dependency:
                continue
            else:
                missing.append(name)
        kept.append(dependency)
    about["dependencies"] = kept
    (to / "Chart.lock").unlink(missing_ok=True)
    return missing


def rendered(chart: Path, release: str, namespace: str, values: dict[str, Any]) -> list[Resource]:
    """The objects that Helm would install; it also holds the values to the chart's schema."""
    done = subprocess.run(
        [
            *(str(helm()), "template", release, str(chart), "--namespace", namespace),
            *("--kube-version", catalog()["kubernetes"]["version"], "--values", "-"),
            # What a chart may ask a cluster for.
            *("--api-versions", "networking.k8s.io/v1/IngressClass"),
        ],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{chart.name} does not render: {done.stderr.strip()}")
    return [one for one in yaml.safe_load_all(done.stdout) if one]
