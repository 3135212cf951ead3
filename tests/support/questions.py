"""Questions to hosts of this machine, and their answers without waiting between tries."""

from __future__ import annotations

from supply.builder.ask import ask
from supply.builder.asking import Finding, Question, questions_of
from supply.builder.catalog import Chart, Part, Recipe
from supply.builder.mirrors import Mirrors
from supply.builder.web import Patience, Web

QUICK = Patience(connect=2, read=0.5, tries=3, pause=0.01, total=60)


def image(where: str, digest: str, architecture: str = "amd64") -> Question:
    part = Part("p", "1", "w", None, registry_image=f"{where}/library/p:1@{digest}")
    (question,) = questions_of(part, Mirrors(), architecture)
    return question


def chart(where: str, sha256: str, *, name: str = "c", version: str = "1.0.0") -> Question:
    place = Chart(version, sha256, name=name, repo=f"http://{where}/charts")
    (question,) = questions_of(Part("p", "1", "w", None, registry_chart=place), Mirrors(), "amd64")
    return question


def download(url: str, architecture: str = "amd64") -> Question:
    files = {"tool": {"amd64": {"url": url, "sha256": "0" * 64}}}
    part = Part("p", "1", "w", None, registry_recipe=Recipe("download", options={"files": files}))
    (question,) = questions_of(part, Mirrors(), architecture)
    return question


def answer(question: Question, pauses: list[float] | None = None) -> Finding:
    """The one question's answer, without waiting between tries."""
    web = Web(QUICK, sleep=[].append if pauses is None else pauses.append)
    (finding,) = ask([question], Mirrors(), web)
    return finding
