"""Files from public hosts, each held to its checksum: charts and published binaries."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
import yaml

from supply.builder.asking import (
    Answer,
    Question,
    chart_entry,
    chart_layer,
    judge_chart,
    judge_status,
    parsed,
)
from supply.builder.catalog import Chart
from supply.builder.mirrors import Mirrors, Reference
from supply.builder.registry import Registries, logins
from supply.builder.tools import GO_ON, BuildError
from supply.builder.web import FETCHING, UnansweredError, Web


def read_entry(web: Web, question: Question, chart: Chart) -> Mapping[str, Any]:
    """What the index of a repository says of the chart, once that is what is expected."""
    reply = web.get(question.where)
    if reply.status != requests.codes.ok:
        raise UnansweredError(*judge_status(reply.status))
    try:
        entry = chart_entry(reply.content, chart)
    except yaml.YAMLError as error:
        raise UnansweredError(Answer.OTHER, "no index of charts") from error
    answer, detail = judge_chart(entry, chart)
    if entry is None or answer is not Answer.THERE:
        raise UnansweredError(answer, detail)
    return entry


def archive_url(entry: Mapping[str, Any], index: str, mirrors: Mirrors) -> str:
    """Where the packed chart of an index's entry is."""
    urls = entry.get("urls") or []
    if not urls:
        raise UnansweredError(Answer.GONE, "its index names no file")
    return mirrors.url(urljoin(index, str(urls[0])))


def fetch_file(url: str, sha256: str, to: Path, web: Web | None = None) -> None:
    """Fetch a file; it appears under its name only when it is complete and the right one."""
    _held(f"{url}", sha256, to, lambda part: _save(web or Web(FETCHING), url, part))


def fetch_chart(question: Question, mirrors: Mirrors, to: Path, web: Web | None = None) -> None:
    """Fetch the packed chart that a question names, from its repository or registry."""
    chart = question.chart
    if chart is None:
        raise BuildError(f"{question.part} has no chart")
    web = web or Web(FETCHING)
    what = f"chart {chart.name or chart.ref} {chart.version} from {question.where}"
    if chart.ref:
        _held(what, chart.sha256, to, lambda part: _save_layer(web, question.where, chart, part))
    else:
        _held(
            what, chart.sha256, to, lambda part: _save_packed(web, question, chart, mirrors, part)
        )


def _held(what: str, sha256: str, to: Path, save: Any) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{to.name}.", suffix=".part", dir=to.parent) as folder:
        part = Path(folder) / "file"
        try:
            found = save(part)
        except UnansweredError as error:
            raise BuildError(f"{what}: {error.answer} ({error.detail}); {GO_ON}") from error
        if found != sha256:
            raise BuildError(
                f"{what}: its sha256 is {found}, not {sha256}: this is not what the project was "
                f"tested with. Do not use it before you know why; {GO_ON}"
            )
        part.rename(to)


def _save(web: Web, url: str, to: Path) -> str:
    status, found = web.save(url, to)
    if status != requests.codes.ok:
        raise UnansweredError(*judge_status(status))
    return found


def _save_packed(web: Web, question: Question, chart: Chart, mirrors: Mirrors, to: Path) -> str:
    entry = read_entry(web, question, chart)
    return _save(web, archive_url(entry, question.where, mirrors), to)


def _save_layer(web: Web, where: str, chart: Chart, to: Path) -> str:
    registries = Registries(web, logins())
    reference = Reference.of(f"{where.removeprefix('oci://')}:{chart.version}")
    layer = chart_layer(parsed(registries.manifest(reference).content) or {})
    answer, detail = judge_chart({"digest": layer} if layer else None, chart)
    if answer is not Answer.THERE:
        raise UnansweredError(answer, detail)
    return registries.save_blob(reference, f"sha256:{layer}", to)
