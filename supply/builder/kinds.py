"""How one part of each kind is made.

Every function takes a `Job` and leaves the part's files in `job.out`; the kinds that make an image
give it `job.image` as its name. A kind reads nothing but the repository, the caches of its own
package client and the outputs of the parts that it needs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supply.builder.catalog import ROOT, Part, Recipe, downloads
from supply.builder.machine import architecture
from supply.builder.mirrors import Mirrors
from supply.builder.tools import GO_ON, KEY_LABEL, BuildError, Shell, cache_dir, docker_cli

# Where a part's files become an image; the others leave files only.
IMAGE_KINDS = frozenset({"debian", "image", "service", "node"})
# Where programs to be run on this machine come out.
TOOL_KINDS = frozenset({"go", "binary", "download"})

# The engine's own builder, because another one does not see the images of this engine; and one
# manifest for one platform, because an index with attestations cannot be loaded onto a node.
BUILD_ENVIRONMENT = {
    "DOCKER_BUILDKIT": "1",
    "BUILDX_BUILDER": "default",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
}
# Seconds between the tries to pull an image.
PULL_PAUSES = (2.0, 8.0, 20.0)


@dataclass(frozen=True)
class Job:
    """One part to be made: its recipe, its inputs and where its outputs go."""

    part: Part
    recipe: Recipe
    key: str
    image: str
    out: Path
    work: Path
    outputs: dict[str, Path]
    images: dict[str, str]
    # Those of the images that come from a registry.
    pulled: frozenset[str]
    mirrors: Mirrors
    shell: Shell

    @property
    def folder(self) -> Path:
        """The folder with the part's pins and Dockerfile, or the service's source."""
        return self.part.folder(self.recipe)

    @property
    def label(self) -> str:
        """The label that says which content an image was made of."""
        return f"{KEY_LABEL}={self.key}"


def _go_environment() -> dict[str, str]:
    cache = cache_dir() / "go"
    return {
        "GOMODCACHE": str(cache / "mod"),
        "GOCACHE": str(cache / "build"),
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }


def go(job: Job) -> None:
    """Binaries from the Go module in the part's folder: every package named in `build`."""
    environment = _go_environment()
    for output, package in job.recipe.options["build"].items():
        flags = f"-s -w {job.recipe.options.get('ldflags', '')}".strip()
        job.shell.run(
            ["go", "build", "-ldflags", flags, "-o", job.out / output, package],
            cwd=job.folder,
            env=environment,
        )
    for name, source in job.recipe.options.get("files", {}).items():
        module, _, inside = source.partition(":")
        answer = subprocess.run(
            ["go", "mod", "download", "-json", module],
            cwd=job.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise BuildError(f"go mod download {module}: {answer.stderr.strip()}")
        folder = Path(json.loads(answer.stdout)["Dir"]) / inside
        shutil.copytree(folder, job.out / name)
        job.shell.run(["chmod", "-R", "u+w", job.out / name])


def maven(job: Job) -> None:
    """What the part's pom.xml puts into `${output}` in its phase `package`."""
    job.shell.run(
        [
            "mvn",
            "--batch-mode",
            "--no-transfer-progress",
            "--strict-checksums",
            f"-Dmaven.repo.local={cache_dir() / 'maven'}",
            f"-Doutput={job.out}",
            f"-DbuildDirectory={job.work / 'build'}",
            "--file",
            job.folder / "pom.xml",
            "package",
        ]
    )


def pypi(job: Job) -> None:
    """The unpacked content of the wheels in the part's requirements.txt."""
    job.shell.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-compile",
            "--require-hashes",
            "--only-binary=:all:",
            "--target",
            job.out,
            "--requirement",
            job.folder / "requirements.txt",
        ]
    )


def debian(job: Job) -> None:
    """A root file system of Debian packages, imported as an image."""
    options = job.recipe.options
    archive = job.work / "root.tar"
    job.shell.run(
        [
            "mmdebstrap",
            "--variant=minbase",
            f"--include={','.join(options['include'])}",
            # Manuals and translations are a third of it and nobody reads them in a container.
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            # Java's package registers its manual, so the folder has to be there.
            '--setup-hook=mkdir -p "$1/usr/share/man/man1"',
            options["suite"],
            archive,
        ]
    )
    job.shell.run(
        [
            docker_cli(),
            "import",
            "--change",
            f"LABEL {job.label}",
            "--change",
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8",
            archive,
            job.image,
        ]
    )


def _context(job: Job) -> Path:
    """The build context: the part's folder, and what its needs left, below deps/."""
    context = job.work / "context"
    shutil.copytree(job.folder, context) if job.folder.exists() else context.mkdir()
    for need in job.recipe.needs:
        if need in job.outputs and any(job.outputs[need].iterdir()):
            shutil.copytree(
                job.outputs[need], context / "deps" / need, copy_function=_link, symlinks=True
            )
    return context


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _pull(job: Job, reference: str) -> None:
    """Have an upstream image in the engine; a registry that refuses is asked again."""
    there = subprocess.run(
        [docker_cli(), "image", "inspect", reference], capture_output=True, check=False
    )
    if there.returncode == 0:
        return
    for wait in (*PULL_PAUSES, None):
        try:
            job.shell.run([docker_cli(), "pull", "--quiet", reference])
            return
        except BuildError as error:
            if wait is None:
                raise BuildError(f"{reference} cannot be pulled: {error}; {GO_ON}") from error
            time.sleep(wait)


def _build(job: Job, context: Path, base: str) -> None:
    if base in job.pulled:
        _pull(job, base)
    job.shell.run(
        [
            docker_cli(),
            "build",
            "--progress=plain",
            "--label",
            job.label,
            "--build-arg",
            f"BASE={base}",
            "--tag",
            job.image,
            context,
        ],
        env=BUILD_ENVIRONMENT,
    )


def image(job: Job) -> None:
    """An image from the part's Dockerfile; BASE is the image of the part named in `base`."""
    base = job.recipe.options.get("base")
    _build(job, _context(job), job.images[base] if base else "scratch")


def service(job: Job) -> None:
    """A service's image: the locked wheels, the shared package, the service, on its base."""
    context = job.work / "context"
    wheels = context / "wheels"
    wheels.mkdir(parents=True)
    for wheel in wheelhouse(job.shell).iterdir():
        _link(str(wheel), str(wheels / wheel.name))
    for folder in (ROOT / "apps" / "tu-common", job.folder):
        # A copy, because a build writes into the source tree and several services share one.
        source = job.work / folder.name
        shutil.copytree(folder, source, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        job.shell.run(
            [
                sys.executable,
                "-m",
                "build",
                "--wheel",
                "--no-isolation",
                "--outdir",
                wheels,
                source,
            ]
        )
    shutil.copy2(job.folder / "Dockerfile", context / "Dockerfile")
    _build(job, context, job.images[job.recipe.needs[0]])


def wheelhouse(shell: Shell) -> Path:
    """All wheels that the services' lock names, fetched once per lock."""
    lock = ROOT / "apps" / "requirements.lock"
    key = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    done = cache_dir() / "store" / f"wheelhouse-{key}"
    if done.exists():
        return done
    part = done.with_suffix(f".{os.getpid()}.{id(shell)}.part")
    shell.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--require-hashes",
            "--only-binary=:all:",
            "--python-version",
            "3.13",
            "--dest",
            part,
            "--requirement",
            lock,
        ]
    )
    try:
        part.rename(done)
    except OSError:
        # A service beside this one was faster with the same content.
        shutil.rmtree(part)
    return done


def node(job: Job) -> None:
    """The image of kind's nodes, made by the part's own script with what it shall preload."""
    context = _context(job)
    preload = "".join(
        f"{job.images[need]} {name or job.images[need]}\n"
        for need, name in job.recipe.options["preload"].items()
    )
    (context / "images.txt").write_text(preload, encoding="utf-8")
    base = job.images[job.recipe.options["base"]]
    command: list[str | Path] = [context / "build", "--context", context, "--base", base]
    command += ["--tag", job.image, "--label", job.label]
    job.shell.run(command, env={**BUILD_ENVIRONMENT, "DOCKER": docker_cli()})


def binary(job: Job) -> None:
    """Files taken out of an upstream image, for command line tools from a registry."""
    reference = job.mirrors.image(job.recipe.options["image"])
    _pull(job, reference)
    created = subprocess.run(
        [docker_cli(), "create", reference, "none"], capture_output=True, text=True, check=False
    )
    if created.returncode != 0:
        raise BuildError(f"docker create {reference}: {created.stderr.strip()}")
    container = created.stdout.strip()
    try:
        for name, path in job.recipe.options["files"].items():
            job.shell.run([docker_cli(), "cp", f"{container}:{path}", job.out / name])
    finally:
        job.shell.run([docker_cli(), "rm", container])


def download(job: Job) -> None:
    """Published programs for this architecture, held to the catalog's checksums."""
    # What speaks HTTP is loaded only where something is fetched: it takes a quarter of a second.
    from supply.builder.fetch import fetch_file  # noqa: PLC0415

    for name, builds in downloads(job.recipe).items():
        build = builds.get(architecture())
        if build is None:
            raise BuildError(
                f"{name} is published for {', '.join(builds)}, not for {architecture()}"
            )
        fetch_file(job.mirrors.url(build.url), build.sha256, job.out / name)
        (job.out / name).chmod(0o755)


KINDS: dict[str, Callable[[Job], None]] = {
    "go": go,
    "maven": maven,
    "pypi": pypi,
    "debian": debian,
    "image": image,
    "service": service,
    "node": node,
    "binary": binary,
    "download": download,
}
