"""What a host can be asked about a part, what it can answer, and what is said about it.

Nothing here reaches out: `ask` does, and judges what it got with these functions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlsplit

from supply.builder.catalog import Chart, Part, downloads, read_yaml
from supply.builder.mirrors import Mirrors, Reference

What = Literal["image", "chart", "download"]


class Answer(StrEnum):
    """Every answer that there is."""

    THERE = "there"
    GONE = "gone"
    LOGIN = "wants a login"
    ARCHITECTURE = "not for this architecture"
    TLS = "not trusted"
    REFUSED = "refused for now"
    UNREACHABLE = "cannot be reached"
    OTHER = "something else is there"


# What each answer means and what to do about it.
ADVICE = {
    Answer.GONE: "What is gone at {hosts} ({things}) does not come back: take a version of this "
    "project that names others{copy}.",
    Answer.LOGIN: "Without a login {hosts} will not give {things}: docker login there, and let the "
    "nodes pull too, or use a mirror (supply_image_mirror).",
    Answer.ARCHITECTURE: "For {architecture}, {hosts} lacks {things}: from registries amd64 and "
    "arm64 are supported, from packages amd64.",
    Answer.TLS: "The certificate of {hosts} is not trusted here, as with a proxy that reads TLS: "
    "add the proxy's CA to the system's trust store (or to the bundle that SSL_CERT_FILE and "
    "REQUESTS_CA_BUNDLE name), to the Docker engine's and to the nodes'.",
    Answer.REFUSED: "For now {hosts} refuses {things}: repeat later with -e supply_ask=true.",
    Answer.UNREACHABLE: "For what cannot be reached ({hosts}), check the network, name resolution "
    "and HTTPS_PROXY, then repeat with -e supply_ask=true.",
    Answer.OTHER: "Under the name of {things}, {hosts} has something else than this project was "
    "tested with: do not use it before you know why{copy}.",
}


@dataclass(frozen=True)
class Question:
    """One thing that a part needs from a host."""

    part: str
    what: What
    # An image's reference, a chart repository's or a file's URL, as it is asked for.
    where: str
    # The digest or checksum that it must have.
    expected: str
    architecture: str
    chart: Chart | None = None

    @property
    def of_registry(self) -> bool:
        """Whether it is asked by the registry protocol; otherwise it is a plain URL's."""
        return "://" not in self.where or self.where.startswith("oci://")

    @property
    def host(self) -> str:
        """The host that answers it."""
        if not self.of_registry:
            return urlsplit(self.where).netloc
        return Reference.of(self.where.removeprefix("oci://")).api_host

    @property
    def key(self) -> str:
        """Names the question and everything that its answer depends on."""
        said = [self.part, self.what, self.where, self.expected, self.architecture]
        if self.chart:
            said += [self.chart.name, self.chart.version]
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Finding:
    """A question with its answer."""

    question: Question
    answer: Answer
    detail: str = ""

    @property
    def there(self) -> bool:
        """Whether the part's thing can be had."""
        return self.answer is Answer.THERE

    @property
    def reason(self) -> str:
        """Why it cannot be had, in a few words."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.question.what} at {self.question.host}: {self.answer}{detail}"


def chart_question(part: Part, mirrors: Mirrors, architecture: str) -> Question | None:
    """Where the chart of a part is asked for."""
    chart = part.registry_chart
    if chart is None:
        return None
    where = (
        f"oci://{mirrors.image(chart.ref.removeprefix('oci://'))}"
        if chart.ref
        else mirrors.url(chart.repo.rstrip("/") + "/index.yaml")
    )
    return Question(part.name, "chart", where, chart.sha256, architecture, chart)


def questions_of(part: Part, mirrors: Mirrors, architecture: str) -> list[Question]:
    """Everything that a part needs from registries."""
    found = []
    recipe = part.registry_recipe
    image = part.registry_image
    if recipe and recipe.kind == "binary":
        image = recipe.options["image"]
    if image:
        where = mirrors.image(image)
        found.append(Question(part.name, "image", where, Reference.of(image).digest, architecture))
    if chart := chart_question(part, mirrors, architecture):
        found.append(chart)
    if recipe and recipe.kind == "download":
        for builds in downloads(recipe).values():
            # Without a file for this architecture the first stands for it, to name its host.
            build = builds.get(architecture) or next(iter(builds.values()))
            expected = build.sha256 if architecture in builds else ""
            found.append(
                Question(part.name, "download", mirrors.url(build.url), expected, architecture)
            )
    return found


def judge_status(status: int) -> tuple[Answer, str]:
    """What an HTTP status means that is neither a success nor worth another try."""
    if status in (401, 403):
        return Answer.LOGIN, f"HTTP {status}"
    if status in (404, 410):
        return Answer.GONE, f"HTTP {status}"
    return Answer.REFUSED, f"HTTP {status}"


def judge_architecture(offered: Iterable[str], wanted: str) -> tuple[Answer, str]:
    """Whether one of the offered Linux architectures is the wanted one."""
    found = sorted(set(offered))
    if wanted in found:
        return Answer.THERE, ""
    return Answer.ARCHITECTURE, f"{', '.join(found) or 'none'} only"


def judge_content(content: bytes, digest: str) -> tuple[Answer, str] | None:
    """None when content is what its digest names."""
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    return None if found == digest else (Answer.OTHER, f"content is {found[:19]}…")


def platforms_of(index: Mapping[str, Any]) -> list[str] | None:
    """The Linux architectures of an image index; None for the manifest of one image."""
    if "manifests" not in index:
        return None
    platforms = [entry.get("platform") or {} for entry in index["manifests"]]
    return [
        str(platform.get("architecture")) for platform in platforms if platform.get("os") == "linux"
    ]


def judge_chart(entry: Mapping[str, Any] | None, chart: Chart) -> tuple[Answer, str]:
    """What a repository's index says of a chart at the pinned version."""
    if entry is None:
        return Answer.GONE, f"no {chart.name} {chart.version} in its index"
    digest = str(entry.get("digest") or "").removeprefix("sha256:")
    if digest and digest != chart.sha256:
        return Answer.OTHER, f"{chart.name} {chart.version} is {digest[:12]}…"
    return Answer.THERE, ""


def chart_entry(index: bytes, chart: Chart) -> Mapping[str, Any] | None:
    """The pinned version's entry in a repository's index; a yaml.YAMLError where it is none."""
    return _of_version(_excerpt(index, chart), chart) or _of_version(read_yaml(index), chart)


def _of_version(index: object, chart: Chart) -> Mapping[str, Any] | None:
    entries = index.get("entries") if isinstance(index, dict) else None
    for entry in (entries or {}).get(chart.name) or []:
        if str(entry.get("version", "")).removeprefix("v") == chart.version.removeprefix("v"):
            return dict(entry)
    return None


def _excerpt(index: bytes, chart: Chart) -> object:
    """The index with one entry, cut out where it is written as Helm writes it.

    An index has megabytes, and reading it whole as YAML takes seconds.
    """
    name, version = re.escape(chart.name), re.escape(chart.version.removeprefix("v"))
    found = re.search(rf"^  {name}:\n((?:  [- ].*\n?|\n)+)", index.decode(errors="replace"), re.M)
    for entry in re.split(r"^(?=  - )", found[1] if found else "", flags=re.M):
        if re.search(rf"^    version: [\"']?v?{version}[\"']?$", entry, re.M):
            return read_yaml(f"entries:\n  {chart.name}:\n{entry}".encode())
    return None


def chart_layer(manifest: Mapping[str, Any]) -> str:
    """The sha256 of the packed chart in an OCI manifest."""
    for layer in manifest.get("layers") or []:
        if "helm.chart.content" in str(layer.get("mediaType")):
            return str(layer["digest"]).removeprefix("sha256:")
    return ""


def table(findings: Sequence[Finding], taken: Mapping[str, str]) -> str:
    """What was asked, where, what came back, and where the part is taken from."""
    rows = [("part", "what", "host", "answer", "taken from")]
    for finding in findings:
        question = finding.question
        answer = finding.answer + (f" ({finding.detail})" if finding.detail else "")
        source = taken.get(question.part, "nowhere")
        rows.append((question.part, question.what, question.host, answer, source))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def advice(findings: Iterable[Finding], mirrors: Mirrors) -> list[str]:
    """One sentence for each kind of answer: where it came from and what to do."""
    grouped: dict[Answer, list[Finding]] = {}
    for finding in findings:
        if not finding.there:
            grouped.setdefault(finding.answer, []).append(finding)
    mirrored = bool(mirrors.images or mirrors.downloads)
    return [
        ADVICE[answer].format(
            hosts=_listed(one.question.host for one in group),
            things=_listed(f"{one.question.what} of {one.question.part}" for one in group),
            architecture=group[0].question.architecture,
            copy=", or copy what is missing to the mirror and name its digest in supply_pins_file"
            if mirrored
            else "",
        )
        for answer, group in grouped.items()
    ]


def _listed(things: Iterable[str]) -> str:
    found = list(dict.fromkeys(things))
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def parsed(content: bytes) -> dict[str, Any] | None:
    """A JSON object, or None where something else came, such as a proxy's page."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
