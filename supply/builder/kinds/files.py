"""Kinds that leave files: compiled, unpacked, taken out of an image, or downloaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from supply.builder.catalog import downloads
from supply.builder.kinds.engine import pull
from supply.builder.kinds.job import Job
from supply.builder.machine import architecture
from supply.builder.tools import BuildError, cache_dir, docker_cli


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


def binary(job: Job) -> None:
    """Files taken out of an upstream image, for command line tools from a registry."""
    reference = job.mirrors.image(job.recipe.options["image"])
    pull(job, reference)
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
