"""What this machine is, in the words of image indexes."""

from __future__ import annotations

import platform

_NAMES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def architecture() -> str:
    """The architecture that images and programs must be for; the nodes run on this machine."""
    machine = platform.machine().lower()
    return _NAMES.get(machine, machine)
