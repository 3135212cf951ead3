"""Mirrors of public hosts, and the digests of what they have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from supply.builder.catalog import CatalogError, Chart, Part, Recipe
from supply.builder.mirrors import Mirrors, is_loopback, read_pins
from supply.builder.sources import choose
from supply.builder.supply import Supply
from tests.support.catalogs import AMD64, NONE, catalog, settled
from tests.support.hosts import Host, Reply, index_of

pytestmark = pytest.mark.usefixtures("cache")


def test_mirrors_are_asked_under_the_public_names(there: Host, tmp_path: Path) -> None:
    digest = there.image("public/docker.io/library/broker", AMD64)
    tool = there.image("public/registry.k8s.io/tool", index_of("amd64", salt="tool"))
    sha256 = there.chart(
        "/files/charts.example.com/stable",
        *("broker", "1.0.0"),
        url="https://github.example.com/broker-1.0.0.tgz",
    )
    there.say("/files/github.example.com/broker-1.0.0.tgz", Reply(body=b""))
    there.say("/files/dl.example.com/kind", Reply(body=b""))
    files = {"kind": {"amd64": {"url": "https://dl.example.com/kind", "sha256": "1" * 64}}}
    options = {"image": f"registry.k8s.io/tool:v1@{tool}", "files": {"tool": "/tool"}}
    chart = Chart("1.0.0", "2" * 64, name="broker", repo="https://charts.example.com/stable/")
    parts = {
        "broker": Part(
            *("broker", "1", "w", Recipe("image")),
            registry_image=f"docker.io/library/broker:1@{NONE}",
            registry_chart=chart,
        ),
        "kind": Part(
            "kind", "1", "w", None, registry_recipe=Recipe("download", (), {"files": files})
        ),
        "tool": Part("tool", "1", "w", None, registry_recipe=Recipe("binary", (), options)),
    }
    pins = tmp_path / "pins.yml"
    pins.write_text(yaml.safe_dump({"images": {"broker": digest}, "charts": {"broker": sha256}}))
    mirrors = Mirrors(f"{there.name}/public", f"http://{there.name}/files/")
    supply, _ = settled(parts, "registry", mirrors=mirrors, pins_file=pins)
    assert supply.image("broker") == (f"{there.name}/public/docker.io/library/broker:1@{digest}")
    assert "/files/github.example.com/broker-1.0.0.tgz" in there.paths("HEAD")
    assert "/files/dl.example.com/kind" in there.paths("HEAD")
    # What is taken from a mirror is called as what is taken from its public host.
    elsewhere = Supply.of(read_pins(pins, parts).applied(parts), choose(parts, "registry", {}))
    assert supply.keys == elsewhere.keys


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ("images: {nobody: x}", "images: nobody: the catalog has nothing of that kind"),
        ("charts: {door: x}", "charts: door: the catalog has nothing of that kind"),
        ("images: {door: abc}", "images: door: abc is not sha256:<64"),
        ("charts: {broker: 'sha256:abc'}", "charts: broker: sha256:abc is not 64"),
        ("pictures: {}", "must be a mapping of images, charts, downloads"),
        ("[]", "must be a mapping"),
    ],
)
def test_wrong_pins_say_where(there: Host, tmp_path: Path, pins: str, says: str) -> None:
    file = tmp_path / "pins.yml"
    file.write_text(pins)
    with pytest.raises(CatalogError, match=says):
        read_pins(file, catalog(there))
    with pytest.raises(CatalogError, match="cannot be read"):
        read_pins(tmp_path / "nothing.yml", {})


def test_plain_http_is_for_loopback_only() -> None:
    assert is_loopback("127.0.0.1:5000")
    assert is_loopback("localhost")
    assert is_loopback("[::1]:5000")
    assert not is_loopback("10.0.0.1:5000")
    assert not is_loopback("localhost.example.com")
    with pytest.raises(CatalogError, match="neither https"):
        Mirrors(downloads="http://mirror.example.com")
    assert Mirrors(downloads="http://127.0.0.1:8080").url("https://x.y/z") == (
        "http://127.0.0.1:8080/x.y/z"
    )
