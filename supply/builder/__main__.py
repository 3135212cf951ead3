"""Command line of the builder.

resolve           what every part is called, as JSON (builds nothing)
build [PART …]    make the named parts, or all that a platform needs
list              the catalog as a table
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from supply.builder.catalog import ROOT, SOURCES, CatalogError, Source, load
from supply.builder.keys import REGISTRY_NAME
from supply.builder.plan import closure
from supply.builder.run import Supply, build, say
from supply.builder.tools import BuildError, cache_dir, stop_all

# Any answer, also "log in first", means that images can be had from there.
REGISTRY = "https://registry-1.docker.io/v2/"
REGISTRY_TIMEOUT_SECONDS = 5


def _registry_answers() -> bool:
    try:
        with urllib.request.urlopen(REGISTRY, timeout=REGISTRY_TIMEOUT_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False


def decide(wanted: str) -> Source:
    """The source to use; `auto` asks the registry once and remembers the answer in the cache."""
    for source in SOURCES:
        if wanted == source:
            return source
    if wanted != "auto":
        raise CatalogError(f"supply: {wanted} is not one of auto, {', '.join(SOURCES)}")
    memory = cache_dir() / "supply-source"
    if memory.exists():
        known = memory.read_text(encoding="utf-8").strip()
        if known in SOURCES:
            return decide(known)
    answer: Source = "registry" if _registry_answers() else "packages"
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(answer, encoding="utf-8")
    return answer


def resolved(supply: Supply, image_registry: str) -> dict[str, Any]:
    """What roles need to know: image references, folders of binaries, charts.

    With `image_registry`, images made here are called by the names under which a cluster pulls them
    from there.
    """
    images = {name: supply.image(name) for name in supply.parts if supply.makes_image(name)}
    made_here = {
        name: image for name, image in images.items() if supply.parts[name].recipe(supply.source)
    }
    charts: dict[str, dict[str, str]] = {}
    for name, part in supply.parts.items():
        chart = part.registry_chart
        ours = ROOT / "charts" / name
        if supply.source == "registry" and chart:
            charts[name] = {
                "chart_ref": chart.ref or chart.name,
                "chart_version": chart.version,
                "chart_repo_url": chart.repo,
            }
        elif ours.exists():
            charts[name] = {"chart_ref": str(ours)}
    binaries = {
        output: str(supply.folder(name) / output)
        for name, part in supply.parts.items()
        if (recipe := part.recipe(supply.source)) and recipe.kind in ("go", "binary")
        # A tool that is made on demand is not there before somebody asked for it.
        if not recipe.options.get("only_on_demand") or supply.folder(name).exists()
        for output in recipe.options.get("build", recipe.options.get("files", {}))
    }
    return {
        "supply_source": supply.source,
        "supply_images": {
            name: image.replace(REGISTRY_NAME, image_registry or REGISTRY_NAME, 1)
            for name, image in images.items()
        },
        "supply_local_images": made_here,
        "supply_binaries": binaries,
        "supply_folders": {
            name: str(supply.folder(name)) for name in supply.parts if not supply.makes_image(name)
        },
        "supply_charts": charts,
    }


def main(argv: list[str]) -> int:
    """Run one command; 0 done, 1 a build failed, 2 the request was wrong, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m supply.builder", description=__doc__)
    parser.add_argument("command", choices=["resolve", "build", "missing", "list"])
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--source", default="auto", help="auto, registry or packages")
    parser.add_argument(
        "--image-registry", default="", help="where images made here are pushed to (resolve)"
    )
    parser.add_argument("--catalog", type=Path, default=ROOT / "supply" / "catalog.yml")
    arguments = parser.parse_intermixed_args(argv)
    # A polite end is handled like Ctrl-C: children stop, complete parts stay.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        parts = load(arguments.catalog)
        supply = Supply.of(parts, decide(arguments.source))
        if arguments.command == "resolve":
            say(json.dumps(resolved(supply, arguments.image_registry)))
        elif arguments.command == "list":
            for name, part in supply.parts.items():
                recipe = part.recipe(supply.source)
                say(f"{name:28} {part.version:12} {recipe.kind if recipe else 'pull':8} {part.why}")
        else:
            wanted = arguments.parts or supply.needed()
            if arguments.command == "missing":
                made = closure(supply.parts, wanted, supply.source, supply.done())
            else:
                made = build(supply, wanted)
            say(f"supply: {len(made)} made, source {supply.source}")
    except (CatalogError, BuildError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, CatalogError) else 1
    except KeyboardInterrupt:
        stop_all()
        sys.stderr.write("interrupted; complete parts are kept, the same command goes on\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
