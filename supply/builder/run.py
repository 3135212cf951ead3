"""Makes parts side by side, shows how far it is, and goes on where an earlier run was stopped."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supply.builder.asking import chart_question
from supply.builder.catalog import ROOT, CatalogError, Part, Recipe, Source
from supply.builder.charts import own_chart
from supply.builder.keys import image_name, keys
from supply.builder.kinds import IMAGE_KINDS, KINDS, Job
from supply.builder.machine import architecture
from supply.builder.mirrors import Mirrors
from supply.builder.plan import closure
from supply.builder.sources import Choice, needs_of
from supply.builder.tools import BuildError, Shell, cache_dir, image_keys, stop_all

# The largest compile (the Kubernetes binaries' link steps) was seen to take under 4 GiB.
GIB_PER_JOB = 4
# Below this much free disk the compilers' caches go once everything is built; the parts stay.
GIB_TO_KEEP_COMPILER_CACHES = 20
NO_MIRRORS = Mirrors()


def store_folder(name: str, key: str) -> Path:
    """The folder of the files of a part with this key."""
    return cache_dir() / "store" / f"{name}-{key}"


def chart_file(part: Part) -> Path:
    """Where a part's packed chart is kept; its name says what is in it."""
    chart = part.registry_chart
    if chart is None:
        raise CatalogError(f"supply/catalog.yml: {part.name} has no chart")
    return cache_dir() / "store" / f"chart-{part.name}-{chart.version}-{chart.sha256[:12]}.tgz"


@dataclass(frozen=True)
class Supply:
    """A catalog with a source for each part: what each is called, and where its files are."""

    parts: Mapping[str, Part]
    sources: Mapping[str, Source]
    keys: Mapping[str, str]
    mirrors: Mirrors = NO_MIRRORS
    left_out: frozenset[str] = frozenset()
    # Why a part is not had, or not as it was wished.
    reasons: Mapping[str, str] = field(default_factory=dict)
    wanted: str = "packages"
    summary: str = ""
    asked: bool = False

    @classmethod
    def of(
        cls,
        parts: Mapping[str, Part],
        choice: Choice,
        mirrors: Mirrors = NO_MIRRORS,
        left_out: frozenset[str] = frozenset(),
        **said: Any,
    ) -> Supply:
        """Name every part by its content."""
        had = {name: part for name, part in parts.items() if name in choice.sources}
        for name, part in had.items():
            if (recipe := part.recipe(choice.sources[name])) and recipe.kind not in KINDS:
                raise CatalogError(
                    f"supply/catalog.yml: {name}: kind must be one of {', '.join(KINDS)}"
                )
        named = keys(had, choice.sources)
        return cls(had, choice.sources, named, mirrors, left_out, choice.reasons, **said)

    def recipe(self, name: str) -> Recipe | None:
        """How a part is made; None where it is pulled by its image's name."""
        return self.parts[name].recipe(self.sources[name])

    def image(self, name: str) -> str:
        """The reference of a part's image."""
        part = self.parts[name]
        if self.recipe(name) is None:
            return self.mirrors.image(part.registry_image)
        return image_name(part, self.keys[name])

    def folder(self, name: str) -> Path:
        """The folder of a part's files."""
        return store_folder(name, self.keys[name])

    def chart(self, name: str) -> Path | None:
        """The folder or archive of a part's chart, whether it is fetched already or not."""
        part = self.parts[name]
        if self.sources[name] == "registry" and part.registry_chart:
            return chart_file(part)
        return own_chart(name)

    def makes_image(self, name: str) -> bool:
        """Whether something called by `image` comes out of a part."""
        recipe = self.recipe(name)
        return recipe is None or recipe.kind in IMAGE_KINDS

    def used(self) -> list[str]:
        """The parts that a platform uses itself; what they are made of is not among them."""
        return [
            name
            for name, part in self.parts.items()
            if (part.in_registry or part.is_service)
            and name not in self.left_out
            and not (self.sources[name] == "packages" and part.only_on_demand)
        ]

    def needs(self) -> dict[str, tuple[str, ...]]:
        """What each part is made of."""
        return needs_of(self.parts, self.sources)

    def recipe_kinds(self) -> list[str]:
        """The kinds of recipe by which the platform's parts are made on this machine."""
        made = (self.recipe(name) for name in closure(self.needs(), self.used()))
        return sorted({recipe.kind for recipe in made if recipe})

    def done(self, *, engine_needed: bool = True) -> frozenset[str]:
        """Parts with nothing left to do: pulled by name, or made already.

        Where no engine is needed, one that does not answer has no images.
        """
        try:
            there = image_keys()
        except BuildError:
            if engine_needed:
                raise
            there = {}
        finished = set()
        for name in self.parts:
            recipe = self.recipe(name)
            if recipe is None:
                finished.add(name)
            elif recipe.kind in IMAGE_KINDS:
                if there.get(self.image(name)) == self.keys[name]:
                    finished.add(name)
            elif self.folder(name).exists():
                finished.add(name)
        return frozenset(finished)

    def charts_to_fetch(self, names: Iterable[str]) -> list[str]:
        """Those of these parts whose chart is not in the cache yet."""
        return [
            name
            for name in names
            if self.sources.get(name) == "registry"
            and self.parts[name].registry_chart
            and not chart_file(self.parts[name]).exists()
        ]

    def missing(
        self, wanted: Sequence[str], *, engine_needed: bool = True
    ) -> tuple[list[str], list[str]]:
        """The charts to fetch and the parts to make for this, in an order that works."""
        todo = closure(self.needs(), wanted, self.done(engine_needed=engine_needed))
        return self.charts_to_fetch(wanted), todo


def jobs_at_once() -> int:
    """As many parts side by side as cores and free memory allow."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / 2**30
    return max(1, min(os.cpu_count() or 1, int(memory // GIB_PER_JOB)))


def say(text: str) -> None:
    """One line of progress, at once, for whoever is reading along."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def _exclusive() -> Iterator[None]:
    """One build at a time in one cache: two would make the same parts twice."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running in this cache; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(supply: Supply, name: str) -> float:
    """Make one part; its files appear in the store only when they are complete."""
    part = supply.parts[name]
    recipe = supply.recipe(name)
    if recipe is None:
        raise BuildError(f"{name} is pulled from a registry, there is nothing to make")
    started = time.monotonic()
    cache = cache_dir()
    for folder in ("store", "logs", "work"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    log = cache / "logs" / f"{name}.log"
    log.write_bytes(b"")
    work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=cache / "work"))
    try:
        out = work / "out"
        out.mkdir()
        KINDS[recipe.kind](
            Job(
                part=part,
                recipe=recipe,
                key=supply.keys[name],
                image=supply.image(name),
                out=out,
                work=work,
                outputs={
                    need: supply.folder(need)
                    for need in recipe.needs
                    if not supply.makes_image(need)
                },
                images={
                    need: supply.image(need) for need in recipe.needs if supply.makes_image(need)
                },
                pulled=frozenset(
                    supply.image(need) for need in recipe.needs if supply.recipe(need) is None
                ),
                mirrors=supply.mirrors,
                shell=Shell(log),
            )
        )
        if recipe.kind not in IMAGE_KINDS:
            out.rename(supply.folder(name))
    except BuildError as error:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        raise BuildError(
            f"{name} {part.version} could not be built: {error}\n"
            + "".join(f"    {line}\n" for line in tail)
            + f"  log:    {log}\n"
            + f"  repeat: cd {ROOT} && {sys.executable} -m supply.builder build"
            + f" --source {supply.wanted} {name}"
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return time.monotonic() - started


def build(supply: Supply, wanted: list[str]) -> list[str]:
    """Make what is wanted and not there yet; the names of what was made."""
    with _exclusive():
        shutil.rmtree(cache_dir() / "work", ignore_errors=True)
        charts, todo = supply.missing(wanted)
        _fetch_charts(supply, charts)
        if todo:
            workers = jobs_at_once()
            say(f"supply: {len(todo)} parts to make, {workers} at a time")
            _run(supply, todo, workers)
            _drop_compiler_caches()
        return [*charts, *todo]


def _fetch_charts(supply: Supply, names: Sequence[str]) -> None:
    """Fetch charts side by side; they are small, and hosts are slow."""
    if not names:
        return
    # What speaks HTTP is loaded only where something is fetched: it takes a quarter of a second.
    from supply.builder.fetch import fetch_chart  # noqa: PLC0415

    def fetch(name: str) -> None:
        part = supply.parts[name]
        if question := chart_question(part, supply.mirrors, architecture()):
            fetch_chart(question, supply.mirrors, chart_file(part))
            say(f"  chart    {name} {part.registry_chart.version if part.registry_chart else ''}")

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(fetch, names))


def _run(supply: Supply, todo: list[str], workers: int) -> None:
    done = set(supply.parts) - set(todo)
    waiting = sorted(todo, key=list(supply.parts).index)
    running: dict[Future[float], str] = {}
    finished = 0
    with ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                for name in list(waiting):
                    recipe = supply.recipe(name)
                    if len(running) < workers and recipe and done.issuperset(recipe.needs):
                        waiting.remove(name)
                        say(f"  …        {name} {supply.parts[name].version}: {recipe.kind}")
                        running[pool.submit(_make, supply, name)] = name
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    name = running.pop(future)
                    seconds = future.result()
                    done.add(name)
                    finished += 1
                    say(
                        f"  {finished:>3}/{len(todo):<3}  {name} {supply.parts[name].version}: "
                        f"made in {seconds:.0f} s"
                    )
        except BaseException:
            stop_all()
            pool.shutdown(cancel_futures=True)
            raise


def _drop_compiler_caches() -> None:
    free = shutil.disk_usage(cache_dir()).free / 2**30
    if free < GIB_TO_KEEP_COMPILER_CACHES:
        say(f"supply: {free:.0f} GiB of disk free; dropping the compilers' caches")
        go = cache_dir() / "go"
        if go.exists():
            for folder in [go, *(path for path in go.rglob("*") if path.is_dir())]:
                # Go makes its module cache read-only.
                folder.chmod(0o755)
            shutil.rmtree(go)
