"""Charts in repositories and registries, and programs to download: are they there?"""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml

from supply.builder.asking import Answer, chart_entry, questions_of
from supply.builder.catalog import Chart, Part
from supply.builder.mirrors import Mirrors, Reference
from tests.support.hosts import (
    Host,
    Reply,
    packed_chart,
)
from tests.support.questions import answer, chart, download

pytestmark = pytest.mark.usefixtures("no_way_out")


def test_a_chart_that_is_there(there: Host) -> None:
    sha256 = there.chart("/charts", "c", "1.0.0")
    assert answer(chart(there.name, sha256)).answer is Answer.THERE


def test_a_chart_whose_archive_is_gone(there: Host) -> None:
    sha256 = there.chart("/charts", "c", "1.0.0")
    there.say("/charts/c-1.0.0.tgz", Reply(404))
    assert answer(chart(there.name, sha256)).answer is Answer.GONE


def test_a_chart_repository_that_is_gone(there: Host) -> None:
    found = answer(chart(there.name, "0" * 64))
    assert (found.answer, found.detail) == (Answer.GONE, "HTTP 404")


def test_a_chart_version_that_is_gone(there: Host) -> None:
    sha256 = there.chart("/charts", "c", "1.0.1")
    found = answer(chart(there.name, sha256))
    assert (found.answer, found.detail) == (Answer.GONE, "no c 1.0.0 in its index")


@pytest.mark.parametrize("style", [None, True])
def test_an_index_may_be_written_in_any_style(there: Host, style: bool | None) -> None:
    sha256 = there.chart("/charts", "c", "1.0.0")
    index = yaml.safe_load(there.answers["/charts/index.yaml"][0].body)
    index["entries"]["c"].insert(0, {"version": "1.0.0-rc1", "urls": [], "digest": "0"})
    index["entries"] |= {"b": [{"version": "1.0.0"}], "d": [{"version": "1.0.0"}]}
    text = yaml.safe_dump(index, default_flow_style=style).encode()
    there.say("/charts/index.yaml", Reply(body=text))
    assert answer(chart(there.name, sha256)).answer is Answer.THERE


def test_an_index_as_helm_writes_it() -> None:
    index = b"""apiVersion: v1
entries:
  other:
  - name: other
    version: 1.0.0
  c:
  - annotations:
      notes: |
        version: 1.0.0

    name: c
    urls:
    - https://example.com/c-1.0.1.tgz
    version: 1.0.1
  - name: c
    dependencies:
    - name: other
      version: 1.0.0
    urls:
    - https://example.com/c-1.0.0.tgz
    version: v1.0.0
  e: []
generated: "2026-01-01T00:00:00Z"
"""
    entry = chart_entry(index, Chart("1.0.0", "0" * 64, name="c"))
    assert entry
    assert entry["urls"] == ["https://example.com/c-1.0.0.tgz"]
    assert chart_entry(index, Chart("1.0.2", "0" * 64, name="c")) is None


def test_another_chart_under_the_same_version(there: Host) -> None:
    there.chart("/charts", "c", "1.0.0")
    assert answer(chart(there.name, "0" * 64)).answer is Answer.OTHER


def test_a_page_instead_of_an_index(there: Host) -> None:
    there.say("/charts/index.yaml", Reply(body=b"<html>: log in: here\n\t</html>"))
    assert answer(chart(there.name, "0" * 64)).answer is Answer.OTHER


@pytest.mark.parametrize("pinned", [True, False])
def test_a_chart_in_a_registry(there: Host, pinned: bool) -> None:
    archive = packed_chart("c", "1.0.0")
    sha256 = hashlib.sha256(archive).hexdigest()
    layer = {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip"}
    manifest = json.dumps({"layers": [{**layer, "digest": f"sha256:{sha256}"}]}).encode()
    there.say("/v2/charts/c/manifests/1.0.0", Reply(body=manifest))
    place = Chart("1.0.0", sha256 if pinned else "0" * 64, ref=f"oci://{there.name}/charts/c")
    (question,) = questions_of(Part("p", "1", "w", None, registry_chart=place), Mirrors(), "amd64")
    assert answer(question).answer is (Answer.THERE if pinned else Answer.OTHER)


def test_a_download(there: Host) -> None:
    there.say("/tool", Reply(body=b"x"))
    assert answer(download(f"http://{there.name}/tool")).answer is Answer.THERE
    assert there.paths("GET") == []
    found = answer(download(f"http://{there.name}/tool", "arm64"))
    assert found.answer is Answer.ARCHITECTURE
    assert answer(download(f"http://{there.name}/other")).answer is Answer.GONE


def test_a_store_that_knows_no_head(there: Host) -> None:
    there.say("/tool", Reply(403), Reply(body=b"x"))
    assert answer(download(f"http://{there.name}/tool")).answer is Answer.THERE


def test_docker_hubs_registry_has_another_name() -> None:
    reference = Reference.of("docker.io/library/kong:3.9.1@sha256:00")
    assert reference.api_host == "registry-1.docker.io"
    assert (reference.repository, reference.tag) == ("library/kong", "3.9.1")
    assert Reference.of("127.0.0.1:5000/a/b@sha256:00").repository == "a/b"
