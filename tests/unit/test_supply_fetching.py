"""What is fetched is held to its checksum, tried again, and complete when it is there."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from supply.builder import kinds
from supply.builder.asking import chart_question
from supply.builder.catalog import Chart, Part, Recipe
from supply.builder.fetch import fetch_chart, fetch_file
from supply.builder.kinds.job import Job
from supply.builder.mirrors import Mirrors
from supply.builder.run import build
from supply.builder.sources import choose
from supply.builder.supply import Supply, chart_file
from supply.builder.tools import BuildError, Shell
from supply.builder.web import Patience, Web
from tests.support.hosts import Host, Reply, packed_chart

QUICK = Patience(connect=2, read=2, tries=3, pause=0.01, total=60)
CONTENT = b"a program " * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


pytestmark = pytest.mark.usefixtures("cache")


def web() -> Web:
    return Web(QUICK, sleep=[].append)


def test_half_a_file_and_a_refusal_are_tried_again(there: Host, tmp_path: Path) -> None:
    half = Reply(body=CONTENT, half=True)
    there.say("/tool", half, Reply(503), Reply(body=CONTENT))
    fetch_file(f"http://{there.name}/tool", SHA256, tmp_path / "store" / "tool", web())
    assert (tmp_path / "store" / "tool").read_bytes() == CONTENT
    assert [file.name for file in (tmp_path / "store").iterdir()] == ["tool"]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(503), r"refused for now \(HTTP 503\)"),
        (Reply(404), r"gone \(HTTP 404\)"),
        (Reply(body=CONTENT, half=True), "breaks off in the middle"),
        (Reply(body=b"another"), f"its sha256 is .*, not {SHA256}"),
    ],
)
def test_what_does_not_come_leaves_nothing_and_says_how_to_go_on(
    there: Host, tmp_path: Path, reply: Reply, says: str
) -> None:
    there.say("/tool", reply)
    with pytest.raises(BuildError, match=says) as error:
        fetch_file(f"http://{there.name}/tool", SHA256, tmp_path / "store" / "tool", web())
    assert 'make up ARGS="-e supply=packages"' in str(error.value)
    assert list((tmp_path / "store").iterdir()) == []


def part_with_chart(there: Host, sha256: str, ref: str = "") -> Part:
    place = {"ref": ref} if ref else {"name": "c", "repo": f"http://{there.name}/charts"}
    return Part("p", "1", "w", None, registry_chart=Chart("1.0.0", sha256, **place))


def fetch(part: Part, to: Path) -> None:
    question = chart_question(part, Mirrors(), "amd64")
    assert question
    fetch_chart(question, Mirrors(), to, web())


def test_a_chart_comes_from_its_repository(there: Host, tmp_path: Path) -> None:
    sha256 = there.chart("/charts", "c", "1.0.0")
    fetch(part_with_chart(there, sha256), tmp_path / "c.tgz")
    assert (tmp_path / "c.tgz").read_bytes() == packed_chart("c", "1.0.0")


@pytest.mark.parametrize("with_token", [False, True])
def test_a_chart_comes_from_a_registry(there: Host, tmp_path: Path, with_token: bool) -> None:
    archive = packed_chart("c", "1.0.0")
    sha256 = hashlib.sha256(archive).hexdigest()
    layer = {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip"}
    manifest = json.dumps({"layers": [{**layer, "digest": f"sha256:{sha256}"}]}).encode()
    there.say("/v2/charts/c/manifests/1.0.0", Reply(body=manifest))
    there.say(f"/v2/charts/c/blobs/sha256:{sha256}", Reply(body=archive))
    if with_token:
        challenge = f'Bearer realm="http://{there.name}/token",service="s"'
        there.say("/token", Reply(body=b'{"token": "right"}'))
        there.guard = lambda path, headers: (
            Reply(401, headers={"WWW-Authenticate": challenge})
            if "/charts/" in path and headers.get("authorization") != "Bearer right"
            else None
        )
    part = part_with_chart(there, sha256, f"oci://{there.name}/charts/c")
    fetch(part, tmp_path / "c.tgz")
    assert (tmp_path / "c.tgz").read_bytes() == archive


def test_another_chart_under_the_same_version_is_not_taken(there: Host, tmp_path: Path) -> None:
    there.chart("/charts", "c", "1.0.0")
    with pytest.raises(BuildError, match="something else is there"):
        fetch(part_with_chart(there, "0" * 64), tmp_path / "c.tgz")
    # An index may say what it likes: what counts is the archive.
    sha256 = there.chart("/charts", "c", "1.0.0")
    there.say("/charts/c-1.0.0.tgz", Reply(body=packed_chart("c", "9.9.9")))
    with pytest.raises(BuildError, match="its sha256 is"):
        fetch(part_with_chart(there, sha256), tmp_path / "c.tgz")
    assert not (tmp_path / "c.tgz").exists()


def test_a_build_fetches_the_charts_that_are_missing(
    there: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supply.builder.supply.image_keys", dict)
    part = part_with_chart(there, there.chart("/charts", "c", "1.0.0"))
    part = Part(
        *(part.name, part.version, part.why, None),
        registry_image="docker.io/library/p@sha256:00",
        registry_chart=part.registry_chart,
    )
    supply = Supply.of({"p": part}, choose({"p": part}, "registry", {}))
    assert supply.chart("p") == chart_file(part)
    assert supply.missing(["p"]) == (["p"], [])
    assert build(supply, ["p"]) == ["p"]
    assert chart_file(part).read_bytes() == packed_chart("c", "1.0.0")
    assert build(supply, ["p"]) == []


@pytest.fixture
def job(tmp_path: Path) -> Job:
    out = tmp_path / "out"
    out.mkdir()
    return Job(
        part=Part("p", "1", "w", None),
        recipe=Recipe("download"),
        key="k",
        image="",
        out=out,
        work=tmp_path,
        outputs={},
        images={},
        pulled=frozenset(),
        mirrors=Mirrors(),
        shell=Shell(tmp_path / "log"),
    )


def with_recipe(job: Job, recipe: Recipe, **changes: object) -> Job:
    return Job(**{**job.__dict__, "recipe": recipe, **changes})  # type: ignore[arg-type]


def test_a_published_program_is_fetched_for_this_machine(there: Host, job: Job) -> None:
    there.say("/tool", Reply(body=CONTENT))
    build_of = {"url": f"http://{there.name}/tool", "sha256": SHA256}
    files = {"tool": {"amd64": build_of, "arm64": {"url": "https://x", "sha256": "0" * 64}}}
    kinds.download(with_recipe(job, Recipe("download", options={"files": files})))
    assert (job.out / "tool").read_bytes() == CONTENT
    assert (job.out / "tool").stat().st_mode & stat.S_IXOTH
    del files["tool"]["amd64"]
    with pytest.raises(BuildError, match="published for arm64, not for amd64"):
        kinds.download(with_recipe(job, Recipe("download", options={"files": files})))


ENGINE = """#!/bin/sh
echo "$@" >> {log}
case "$1" in
  image) exit 1 ;;
  pull) [ "$(grep -c ^pull {log})" -gt {refusals} ] ;;
  create) echo container ;;
  cp) touch "$3" ;;
  build) echo "$BUILDX_BUILDER $BUILDX_NO_DEFAULT_ATTESTATIONS $DOCKER_BUILDKIT" >> {log} ;;
esac
"""


def engine(folder: Path, monkeypatch: pytest.MonkeyPatch, refusals: int = 0) -> Path:
    """An engine's client that refuses to pull so many times, and the log of its calls."""
    program, log = folder / "docker", folder / "calls"
    program.write_text(ENGINE.format(log=log, refusals=refusals))
    program.chmod(0o755)
    monkeypatch.setenv("DOCKER", str(program))
    monkeypatch.setattr("supply.builder.kinds.engine.PULL_PAUSES", (0.0, 0.0))
    return log


def test_a_refused_pull_is_tried_again(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = engine(tmp_path, monkeypatch, refusals=2)
    options = {"image": "registry.k8s.io/tool@sha256:00", "files": {"tool": "/bin/tool"}}
    mirrors = Mirrors("127.0.0.1:5000/public")
    kinds.binary(with_recipe(job, Recipe("binary", options=options), mirrors=mirrors))
    calls = log.read_text().splitlines()
    pull = "pull --quiet 127.0.0.1:5000/public/registry.k8s.io/tool@sha256:00"
    assert calls.count(pull) == 3
    assert (job.out / "tool").exists()


def test_a_pull_that_never_works_names_the_command_that_goes_on(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(tmp_path, monkeypatch, refusals=99)
    options = {"image": "registry.k8s.io/tool@sha256:00", "files": {"tool": "/bin/tool"}}
    with pytest.raises(BuildError, match=r'cannot be pulled.*make up ARGS="-e supply=packages"'):
        kinds.binary(with_recipe(job, Recipe("binary", options=options)))


def test_images_are_built_by_the_engines_own_builder_for_one_platform(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = engine(tmp_path, monkeypatch)
    monkeypatch.setattr("supply.builder.catalog.ROOT", tmp_path)
    base = "docker.io/library/python@sha256:00"
    recipe = Recipe("image", ("python",), {"base": "python"})
    kinds.image(with_recipe(job, recipe, images={"python": base}, pulled=frozenset({base})))
    calls = log.read_text().splitlines()
    assert f"pull --quiet {base}" in calls
    assert calls[-1] == "default 1 1"
