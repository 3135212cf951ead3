"""From what is wished to a source for each part: asks, remembers, decides, and says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from supply.builder.asking import Answer, Finding, Question, advice, questions_of, table
from supply.builder.catalog import SOURCES, CatalogError, Part, Source
from supply.builder.keys import keys
from supply.builder.machine import architecture
from supply.builder.memory import Memory
from supply.builder.mirrors import Mirrors, Pins, read_pins
from supply.builder.sources import choose
from supply.builder.supply import NO_MIRRORS, Supply, chart_file, store_folder
from supply.builder.tools import GO_ON, cache_dir

# The architecture that the parts made from packages are for.
PACKAGES_FOR = "amd64"


@dataclass(frozen=True)
class Wish:
    """The settings that say where parts shall come from."""

    source: str = "auto"
    ask_again: bool = False
    # For what works on a platform that is there: what was decided for it counts, however old, and
    # nothing that is missing is in the way.
    keep: bool = False
    left_out: frozenset[str] = frozenset()
    mirrors: Mirrors = NO_MIRRORS
    pins_file: Path | None = None


def settle(catalog: Mapping[str, Part], wish: Wish, tell: Callable[[str], None]) -> Supply:
    """A source for each part; CatalogError with the whole table where something is missing."""
    if wish.source not in ("auto", *SOURCES):
        raise CatalogError(f"supply: {wish.source} is not one of auto, {', '.join(SOURCES)}")
    # Pins are of what registries have.
    pinned = wish.pins_file if wish.source != "packages" else None
    pins = read_pins(pinned, catalog) if pinned else Pins()
    parts = pins.applied(catalog)
    findings: list[Finding] = []
    asked = False
    if wish.source != "packages":
        findings, asked = _findings(parts, wish)
    lacking: dict[str, str] = {}
    for one in findings:
        # Who set registry and has a platform has it from there.
        if not one.there and not (wish.keep and wish.source == "registry"):
            lacking.setdefault(one.question.part, one.reason)
    choice = choose(parts, wish.source, lacking, wish.left_out)
    stop = _what_stops(parts, wish, lacking)
    # A tool that is made on demand is taken from nowhere before somebody asks for it.
    taken = {
        name: source
        for name, source in choice.sources.items()
        if source == "registry" or not (stop or parts[name].only_on_demand)
    }
    if stop and not wish.keep:
        raise CatalogError("\n".join([*_report(findings, taken, wish), stop]))
    if asked:
        tell("\n".join(_report(findings, taken, wish)))
    return Supply.of(
        parts,
        choice,
        wish.mirrors,
        wish.left_out,
        wanted=wish.source,
        summary=_summary(parts, wish, choice.reasons, taken, findings),
        asked=asked,
    )


def _findings(parts: Mapping[str, Part], wish: Wish) -> tuple[list[Finding], bool]:
    """The answer for everything that is used, and whether a host had to be asked."""
    here = architecture()
    questions = [
        question
        for name, part in parts.items()
        if part.in_registry and name not in wish.left_out
        for question in questions_of(part, wish.mirrors, here)
    ]
    memory = Memory.of(cache_dir())
    # Who wants registries mends what is wrong and repeats: no refusal may be remembered then.
    known = memory.known(
        questions, only_there=wish.source == "registry" and not wish.keep, any_age=wish.keep
    )
    if wish.ask_again:
        known = {}
    if len(known) < len(questions):
        known |= {one.question.key: one for one in _in_cache(parts, questions)}
    unknown = [question for question in questions if question.key not in known]
    if unknown:
        # What speaks HTTP is loaded only where somebody is asked: it takes a quarter of a second.
        from supply.builder.ask import ask  # noqa: PLC0415

        answers = ask(unknown, wish.mirrors)
        memory.remember(answers)
        known |= {one.question.key: one for one in answers}
    return [known[question.key] for question in questions], bool(unknown)


def _in_cache(parts: Mapping[str, Part], questions: Sequence[Question]) -> list[Finding]:
    """Charts and programs that were fetched and checked before: nobody needs to be asked."""
    sources = {name: part.sources[-1] for name, part in parts.items()}
    named = keys(parts, sources)

    def is_there(question: Question) -> bool:
        part = parts[question.part]
        if question.what == "chart":
            return chart_file(part).exists()
        recipe = part.registry_recipe
        return recipe is not None and store_folder(part.name, named[part.name]).exists()

    return [
        Finding(question, Answer.THERE, "in the cache")
        for question in questions
        if is_there(question)
    ]


def _what_stops(parts: Mapping[str, Part], wish: Wish, lacking: Mapping[str, str]) -> str:
    """Why nothing can be made with this choice, and what to do; empty where it can."""
    here = architecture()
    if here != PACKAGES_FOR:
        compiled = [name for name in lacking if parts[name].packages]
        if wish.source == "packages" or compiled:
            return (
                f"This machine is {here}, packages are for {PACKAGES_FOR} only"
                + (f", and registries lack {', '.join(compiled)}" if compiled else "")
                + ". Nothing was made. Use -e supply=registry once every part can be had there."
            )
    if wish.source != "registry" or not lacking:
        return ""
    ways = ['To take only these from packages: make up ARGS="-e supply=auto"', GO_ON]
    if any(parts[name].packages is None for name in lacking):
        ways.append('for the other front door: make up ARGS="-e ingress_controller=traefik"')
    return (
        f"supply is registry, and registries lack {', '.join(lacking)}. Nothing was made. "
        + "; ".join(ways)
    )


def _report(findings: Sequence[Finding], taken: Mapping[str, Source], wish: Wish) -> list[str]:
    """The table and the sentences below it; one line where there is no way out at all."""
    if not findings:
        return []
    if wish.source == "auto" and {one.answer for one in findings} == {Answer.UNREACHABLE}:
        hosts = list(dict.fromkeys(one.question.host for one in findings))
        return [f"supply: none of {', '.join(hosts)} can be reached ({findings[0].detail})"]
    return [table(findings, taken), *advice(findings, wish.mirrors)]


def _summary(
    parts: Mapping[str, Part],
    wish: Wish,
    reasons: Mapping[str, str],
    taken: Mapping[str, Source],
    findings: Sequence[Finding],
) -> str:
    """What was taken and why, in a few words."""
    if wish.source != "auto":
        return f"supply: {wish.source}, as it was set"
    reached = {one.question.host for one in findings if one.answer is not Answer.UNREACHABLE}
    if not reached:
        why = findings[0].detail if findings else "nothing is there to ask for"
        return f"supply: packages, because no registry can be reached ({why})"
    by_reason: dict[str, list[str]] = {}
    for name, why in reasons.items():
        if name not in wish.left_out and parts[name].in_registry:
            where = "from packages" if name in taken else "not to be had"
            by_reason.setdefault(f"{where}: {why}", []).append(name)
    return "; ".join(
        ["supply: registry", *(f"{', '.join(names)} {why}" for why, names in by_reason.items())]
    )
