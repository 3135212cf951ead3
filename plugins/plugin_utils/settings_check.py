"""The whole check of settings: schema, rules across settings, this machine, names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from . import (
    service_environment,
    settings_across,
    settings_machine,
    settings_names,
    settings_sentences,
)
from .settings_schema import ROOT, Schema, compose, normal, topics


def schema_of(services: Iterable[str], secrets: Iterable[str]) -> Schema:
    """The schema for a platform with these services and secrets."""
    return compose(topics(), services, secrets)


def sentences(
    schema: Schema,
    values: Mapping[str, Any],
    given: Mapping[str, Any],
    failed: Mapping[str, tuple[str, str]],
) -> list[str]:
    """One sentence for each setting that is wrong, and for each name that is a slip.

    ``given`` is every variable of the play; ``failed`` says of settings whose value cannot be
    worked out which variable is not defined (empty: another reason), and the whole reason.
    """
    say = partial(settings_sentences.sentence, schema)
    typed = normal(schema, values)
    found = settings_sentences.problems(schema, typed)
    for name, (missing, why) in failed.items():
        # What is missing is told once, not again by each setting that uses it.
        if missing in found:
            found.pop(name, None)
        else:
            found[name] = say([name], f"cannot be worked out: {why}")
    good = {name: value for name, value in typed.items() if name not in found}
    for name, (wrong, example) in settings_across.problems(good).items():
        found[name] = say([name], wrong, example)
    for name, wrong in settings_machine.problems(good).items():
        found.setdefault(name, say([name], wrong))
    environments = {
        service: good.get(f"{service.replace('-', '_')}_env")
        for service in good.get("platform_services", [])
    }
    for told in service_environment.problems(environments):
        found.setdefault(told.split()[0], told)
    own = good.get("settings_own_names", [])
    return [
        *(_slip(schema, name, near) for name, near in slips(schema, given, own).items()),
        *settings_sentences.in_order(schema, found),
    ]


def slips(schema: Schema, given: Mapping[str, Any], own: list[str]) -> dict[str, str]:
    """Names that are nearly one of ours, and which."""
    strange = {name: value for name, value in given.items() if name not in own}
    settings = list(schema["properties"])
    others = settings_names.role_variables(ROOT / "roles") - set(settings)
    found = settings_names.slips(strange, settings, others)
    # In a run of several playbooks, facts of the first are there when the next one looks.
    ours = settings_names.words(ROOT) if found else set()
    return {name: near for name, near in found.items() if name not in ours}


def _slip(schema: Schema, name: str, near: str) -> str:
    described = schema["properties"].get(near)
    example = settings_sentences.shown(described["examples"][0]) if described else "…"
    own = f"If {name} is a variable of your own: settings_own_names: [{name}]"
    return f"{name} is no setting. Is {near} meant? Example: {near}: {example} ({own})"
