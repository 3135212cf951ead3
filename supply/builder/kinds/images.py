"""Kinds that make an image of a part's folder and of what the part needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from supply.builder.kinds.engine import BUILD_ENVIRONMENT, build_image, link
from supply.builder.kinds.job import Job
from supply.builder.tools import docker_cli


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
                job.outputs[need], context / "deps" / need, copy_function=link, symlinks=True
            )
    return context


def image(job: Job) -> None:
    """An image from the part's Dockerfile; BASE is the image of the part named in `base`."""
    base = job.recipe.options.get("base")
    build_image(job, _context(job), job.images[base] if base else "scratch")


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
