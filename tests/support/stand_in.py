"""Fills a local registry and a folder with what source `packages` made, under the public names.

python -m tests.support.stand_in --registry localhost:5117 --folder FOLDER --helm PROGRAM

The registry gets `<registry>/<public host>/<path>:<tag>` for each image that the catalog pulls, the
folder `downloads/<public host>/<path>` for each chart and program that it downloads. Their digests
are other than the public ones, so FOLDER/pins.yml says them (setting `supply_pins_file`). A part
that no package can make, such as Kong, is left out: to the platform it is a part that this registry
does not have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from plugins.filter.image_reference import image_reference
from supply.builder.catalog import ROOT, Chart, Part, downloads, load
from supply.builder.machine import architecture
from supply.builder.run import say
from supply.builder.sourcing import Wish, settle
from supply.builder.supply import Supply
from supply.builder.tools import docker_cli

# For public references that name an image by its digest alone.
NO_TAG = "stand-in"


def run(*command: str | Path) -> str:
    """Run a program and give what it printed; its error text ends this one."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(
            f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stderr.strip()}"
        )
    return done.stdout.strip()


def sha256(file: Path) -> str:
    """The digest of a file, in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass
class StandIn:
    """What is filled, and the digests of what is in it."""

    supply: Supply
    registry: str
    downloads: Path
    helm: str
    pins: dict[str, dict[str, str]] = field(
        default_factory=lambda: {"images": {}, "charts": {}, "downloads": {}}
    )

    def image(self, part: Part, public: str, made: str) -> None:
        """Push an image of this machine's engine under its public name, and remember its digest."""
        pieces = image_reference(public)
        name = f"{self.registry}/{pieces['name']}"
        reference = f"{name}:{pieces['tag'] or NO_TAG}"
        run(docker_cli(), "tag", made, reference)
        run(docker_cli(), "push", "--quiet", reference)
        known = json.loads(run(docker_cli(), "image", "inspect", reference))[0]["RepoDigests"]
        self.pins["images"][part.name] = next(
            digest.partition("@")[2] for digest in known if digest.startswith(f"{name}@")
        )
        # The nodes and the engine are to get it from the registry.
        run(docker_cli(), "image", "rm", reference)

    def programs(self, part: Part, public: str, files: dict[str, str]) -> None:
        """An image with programs of a part at the paths at which the public one has them."""
        with tempfile.TemporaryDirectory() as folder:
            lines = ["FROM scratch"]
            for program, path in files.items():
                shutil.copy2(self.supply.folder(part.name) / program, Path(folder) / program)
                lines.append(f"COPY {program} {path}")
            (Path(folder) / "Dockerfile").write_text("\n".join(lines), encoding="utf-8")
            made = run(docker_cli(), "build", "--quiet", folder)
        self.image(part, public, made)

    def download(self, part: Part, program: str, url: str) -> None:
        """A program at the path of its public address."""
        self._put(self.supply.folder(part.name) / program, url)
        self.pins["downloads"][part.name] = sha256(self.supply.folder(part.name) / program)

    def chart(self, part: Part, chart: Chart) -> None:
        """Our chart under the name and version of the public one, in its repository."""
        ours = ROOT / "charts" / part.name
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            name = chart.name or chart.ref.rpartition("/")[2]
            copy = folder / name
            shutil.copytree(ours, copy)
            about = yaml.safe_load((copy / "Chart.yaml").read_text(encoding="utf-8"))
            (copy / "Chart.yaml").write_text(
                yaml.safe_dump({**about, "name": name, "version": chart.version}), encoding="utf-8"
            )
            run(self.helm, "package", copy, "--destination", folder)
            archive = folder / f"{name}-{chart.version}.tgz"
            self.pins["charts"][part.name] = sha256(archive)
            if chart.ref:
                public = chart.ref.removeprefix("oci://").rpartition("/")[0]
                run(self.helm, "push", archive, f"oci://{self.registry}/{public}", "--plain-http")
            else:
                self._put(archive, f"{chart.repo}/{archive.name}")
                run(self.helm, "repo", "index", self._place(chart.repo))

    def _place(self, url: str) -> Path:
        address = urlsplit(url)
        return self.downloads / address.netloc / address.path.lstrip("/")

    def _put(self, file: Path, url: str) -> None:
        self._place(url).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, self._place(url))


def fill(stand_in: StandIn) -> None:
    """Everything of the catalog that source `registry` takes and source `packages` can make."""
    for part in stand_in.supply.parts.values():
        recipe = part.registry_recipe
        if part.packages is None or part.only_on_demand:
            continue
        if part.registry_image:
            stand_in.image(part, part.registry_image, stand_in.supply.image(part.name))
        elif recipe and recipe.kind == "binary":
            stand_in.programs(part, recipe.options["image"], recipe.options["files"])
        elif recipe and recipe.kind == "download":
            for program, builds in downloads(recipe).items():
                stand_in.download(part, program, builds[architecture()].url)
        if part.registry_chart:
            stand_in.chart(part, part.registry_chart)
        if part.in_registry:
            say(f"stand-in: {part.name}")


def main() -> None:
    """Fill both, and write the pins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registry", required=True, help="host:port of an empty registry")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--helm", required=True, help="the program helm")
    arguments = parser.parse_args()
    supply = settle(load(), Wish(source="packages"), say)
    stand_in = StandIn(supply, arguments.registry, arguments.folder / "downloads", arguments.helm)
    fill(stand_in)
    pins = yaml.safe_dump(stand_in.pins)
    (arguments.folder / "pins.yml").write_text(pins, encoding="utf-8")


if __name__ == "__main__":
    main()
