"""Images in the container engine: pulled, or built from a context."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from supply.builder.kinds.job import Job
from supply.builder.tools import GO_ON, BuildError, docker_cli

# The engine's own builder, because another one does not see the images of this engine; and one
# manifest for one platform, because an index with attestations cannot be loaded onto a node.
BUILD_ENVIRONMENT = {
    "DOCKER_BUILDKIT": "1",
    "BUILDX_BUILDER": "default",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
}
# Seconds between the tries to pull an image.
PULL_PAUSES = (2.0, 8.0, 20.0)


def pull(job: Job, reference: str) -> None:
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


def build_image(job: Job, context: Path, base: str) -> None:
    if base in job.pulled:
        pull(job, base)
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


def link(source: str, target: str) -> None:
    """A file for a build context, without copying it where the disk is the same."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
