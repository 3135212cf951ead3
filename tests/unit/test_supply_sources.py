"""Where each part is taken from, given what registries lack."""

from __future__ import annotations

import pytest

from supply.builder.catalog import Part, Recipe, load
from supply.builder.sources import Choice, choose
from supply.builder.supply import Supply

PARTS = load()
LACKS = "image at docker.io: refused for now"


def supply(choice: Choice, left_out: frozenset[str] = frozenset()) -> Supply:
    return Supply.of(PARTS, choice, left_out=left_out)


def test_auto_with_everything_is_what_registry_is() -> None:
    auto, registry = choose(PARTS, "auto", {}), choose(PARTS, "registry", {})
    assert auto == registry
    assert auto.sources["kong"] == auto.sources["kind-node"] == "registry"
    assert auto.sources["graph-gateway"] == "packages"
    assert auto.reasons == {}


def test_one_part_alone_is_made_from_packages() -> None:
    choice = choose(PARTS, "auto", {"kafka": LACKS})
    assert choice.sources["kafka"] == "packages"
    assert choice.reasons == {"kafka": LACKS}
    others = choose(PARTS, "auto", {}).sources
    assert {name: s for name, s in choice.sources.items() if name != "kafka"} == {
        name: s for name, s in others.items() if name != "kafka"
    }
    made = supply(choice)
    assert made.recipe_kinds() == ["binary", "debian", "download", "image", "maven", "service"]
    assert "trackunit.local/kafka:" in made.image("kafka")
    assert made.chart("kafka")


@pytest.mark.parametrize("lacking", ["kong", "kong-ingress-controller"])
def test_kong_and_its_controller_are_had_together_or_not(lacking: str) -> None:
    made = supply(choose(PARTS, "auto", {lacking: LACKS}))
    assert "kong" not in made.parts
    assert not made.makes_image("kong-ingress-controller")
    assert "kong-ingress-controller" not in made.used()
    assert LACKS in made.reasons["kong"]
    assert made.sources["traefik"] == "registry"


def test_a_part_says_itself_what_it_lacks() -> None:
    both = {"kong-ingress-controller": "its image is gone", "kong": "its chart is gone"}
    assert dict(choose(PARTS, "auto", both).reasons) == both


def test_what_is_made_of_a_parts_outputs_brings_them_along() -> None:
    choice = choose(PARTS, "auto", {"kind-node": LACKS})
    for name in ("kubernetes", "kind", "kube-apiserver"):
        assert choice.sources[name] == "packages"
    assert choice.reasons["kubernetes"] == "kind-node is made from packages and needs it"
    assert choice.sources["python"] == choice.sources["rabbitmq"] == "registry"
    made = supply(choice)
    assert made.needs()["kind-node"]
    assert {"go", "node"} <= set(made.recipe_kinds())


def test_an_image_on_a_base_that_is_not_there_is_made_from_packages() -> None:
    choice = choose(PARTS, "auto", {"python": LACKS})
    assert choice.sources["python"] == choice.sources["python-tesseract"] == "packages"
    assert choice.sources["kafka"] == "registry"


def test_what_cannot_be_made_is_not_named() -> None:
    choice = choose(PARTS, "auto", {})
    assert "kube-apiserver" not in choice.sources, "the API server is in the node's image"
    assert "kube-apiserver" in choose(PARTS, "packages", {}).sources


def test_packages_ask_for_nothing_and_say_why_there_is_no_kong() -> None:
    choice = choose(PARTS, "packages", {})
    assert set(choice.sources.values()) == {"packages"}
    assert "kong" not in choice.sources
    assert choice.reasons == {"kong": "it is in no package registry, and supply is packages"}


def test_what_the_settings_leave_out_has_a_name_and_is_not_made() -> None:
    left_out = frozenset({"kafka", "kind-node", "kong", "kong-ingress-controller"})
    made = supply(choose(PARTS, "auto", {"rabbitmq": LACKS}, left_out), left_out)
    assert made.image("kafka").startswith("docker.io/apache/kafka")
    assert "kong" not in made.parts
    assert "rabbitmq" in made.used()
    assert left_out.isdisjoint(made.used())
    from_packages = Supply.of(PARTS, choose(PARTS, "packages", {}, left_out), left_out=left_out)
    assert left_out.isdisjoint(from_packages.used())
    assert "maven" in from_packages.recipe_kinds(), "Keycloak's"


def test_the_keys_of_parts_from_packages_do_not_depend_on_the_others() -> None:
    alone = supply(choose(PARTS, "auto", {"kafka": LACKS}))
    all_of_them = supply(choose(PARTS, "packages", {}))
    for name in ("kafka", "kafka-dist", "debian-java"):
        assert alone.keys[name] == all_of_them.keys[name]


def test_a_part_with_neither_source_left_is_not_there() -> None:
    part = Part("p", "1", "w", None, registry_image="docker.io/library/p@sha256:00")
    choice = choose({"p": part}, "auto", {"p": LACKS})
    assert choice.sources == {}
    assert choice.reasons == {"p": LACKS}


def test_needs_of_a_recipe_may_be_parts_that_are_only_made() -> None:
    parts = {
        "low": Part("low", "1", "w", Recipe("go")),
        "top": Part("top", "1", "w", Recipe("image", ("low",)), registry_image="h.x/top@sha256:0"),
    }
    assert choose(parts, "auto", {}).sources == {"low": "packages", "top": "registry"}
    assert choose(parts, "auto", {"top": LACKS}).sources == {"low": "packages", "top": "packages"}
