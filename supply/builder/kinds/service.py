"""The kind of our own services: wheels on a base image."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from supply.builder.catalog import ROOT
from supply.builder.kinds.engine import build_image, link
from supply.builder.kinds.job import Job
from supply.builder.tools import Shell, cache_dir


def service(job: Job) -> None:
    """A service's image: the locked wheels, the shared package, the service, on its base."""
    context = job.work / "context"
    wheels = context / "wheels"
    wheels.mkdir(parents=True)
    for wheel in wheelhouse(job.shell).iterdir():
        link(str(wheel), str(wheels / wheel.name))
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
    build_image(job, context, job.images[job.recipe.needs[0]])


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
