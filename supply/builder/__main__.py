"""Command line of the builder.

resolve           what every part is called, as JSON (makes no part)
build [PART …]    make the named parts, or all that a platform needs
missing [PART …]  how many of them would be made
list              the catalog as a table
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from supply.builder.catalog import ROOT, CatalogError, load
from supply.builder.keys import REGISTRY_NAME
from supply.builder.kinds import TOOL_KINDS
from supply.builder.mirrors import Mirrors
from supply.builder.run import build, say
from supply.builder.sourcing import Wish, settle
from supply.builder.supply import Supply
from supply.builder.tools import BuildError, stop_all


def resolved(supply: Supply, image_registry: str) -> dict[str, Any]:
    """What roles need to know: image references, folders of binaries, charts.

    With `image_registry`, images made here are called by the names under which a cluster pulls them
    from there.
    """
    images = {name: supply.image(name) for name in supply.parts if supply.makes_image(name)}
    binaries = {
        output: str(supply.folder(name) / output)
        for name in supply.parts
        if (recipe := supply.recipe(name)) and recipe.kind in TOOL_KINDS
        # A tool that is made on demand is not there before somebody asked for it.
        if not recipe.options.get("only_on_demand") or supply.folder(name).exists()
        for output in recipe.options.get("build", recipe.options.get("files", {}))
    }
    return {
        "supply_sources": dict(supply.sources),
        "supply_reasons": dict(supply.reasons),
        "supply_summary": supply.summary,
        "supply_asked": supply.asked,
        "supply_recipe_kinds": supply.recipe_kinds(),
        "supply_images": {
            name: image.replace(f"{REGISTRY_NAME}/", f"{image_registry or REGISTRY_NAME}/", 1)
            for name, image in images.items()
        },
        "supply_local_images": {
            name: image for name, image in images.items() if supply.recipe(name)
        },
        "supply_binaries": binaries,
        "supply_folders": {
            name: str(supply.folder(name)) for name in supply.parts if not supply.makes_image(name)
        },
        "supply_charts": {
            name: {"chart_ref": str(chart)}
            for name in supply.parts
            if (chart := supply.chart(name))
        },
    }


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m supply.builder", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("command", choices=["resolve", "build", "missing", "list"])
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--source", default="auto", help="auto, registry or packages")
    parser.add_argument("--ask-again", action="store_true", help="forget what hosts answered")
    parser.add_argument("--keep", action="store_true", help="decide as before, however long ago")
    parser.add_argument("--leave-out", action="append", default=[], help="a part that is not used")
    parser.add_argument("--image-mirror", default="", help="registry that has copies of images")
    parser.add_argument("--download-mirror", default="", help="URL of copies of charts and files")
    parser.add_argument("--pins", type=Path, help="file of digests for such copies")
    parser.add_argument(
        "--image-registry", default="", help="where images made here are pushed to (resolve)"
    )
    parser.add_argument(
        "--facts", action="store_true", help="end with what `resolve` prints (build, missing)"
    )
    parser.add_argument("--catalog", type=Path, default=ROOT / "supply" / "catalog.yml")
    return parser.parse_intermixed_args(argv)


def _tell(text: str) -> None:
    """What is said beside the command's own output."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _run(arguments: argparse.Namespace) -> None:
    wish = Wish(
        source=arguments.source,
        ask_again=arguments.ask_again,
        keep=arguments.keep,
        left_out=frozenset(arguments.leave_out),
        mirrors=Mirrors(arguments.image_mirror, arguments.download_mirror),
        pins_file=arguments.pins,
    )
    supply = settle(load(arguments.catalog), wish, _tell)
    for name in arguments.parts:
        if name not in supply.parts and name in supply.reasons:
            raise CatalogError(f"{name} cannot be had: {supply.reasons[name]}")
    if arguments.command == "list":
        for name, part in supply.parts.items():
            recipe = supply.recipe(name)
            say(f"{name:28} {part.version:12} {recipe.kind if recipe else 'pull':8} {part.why}")
    elif arguments.command != "resolve":
        wanted = arguments.parts or supply.used()
        if arguments.command == "missing":
            # Asked before there is anything: a check of the first run.
            charts, made = supply.missing(wanted, engine_needed=False)
            made = [*charts, *made]
        else:
            made = build(supply, wanted)
        say(f"supply: {len(made)} made")
    if arguments.command == "resolve" or arguments.facts:
        say(json.dumps(resolved(supply, arguments.image_registry)))


def main(argv: list[str]) -> int:
    """Run one command; 0 done, 1 a build failed, 2 the request was wrong, 130 interrupted."""
    arguments = _arguments(argv)
    # A polite end is handled like Ctrl-C: children stop, complete parts stay.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        _run(arguments)
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
