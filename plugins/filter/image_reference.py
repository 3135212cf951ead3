"""Takes an image reference apart, for charts that want its pieces as separate values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

# https://github.com/distribution/reference, with the host made a must.
REFERENCE = re.compile(
    r"(?P<registry>localhost(?=[:/])|[A-Za-z0-9.-]+(?=:\d+/)|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"(?P<port>:\d+)?/"
    r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def image_reference(reference: str) -> dict[str, str]:
    """The pieces of a complete image reference; AnsibleFilterError when it is none."""
    found = REFERENCE.fullmatch(reference)
    if not found:
        raise AnsibleFilterError(
            f"{reference!r} is no complete image reference. Write host/path:tag or "
            "host/path@sha256:digest, for example docker.io/library/kong:3.9.1"
        )
    piece = found.groupdict(default="")
    registry = piece["registry"] + piece["port"]
    return {
        "registry": registry,
        "repository": piece["repository"],
        "name": f"{registry}/{piece['repository']}",
        "tag": piece["tag"],
        "digest": piece["digest"],
        "version": "@".join(part for part in (piece["tag"], piece["digest"]) if part),
    }


def missing_images(
    listings: Iterable[Mapping[str, Any]], images: Sequence[str]
) -> list[dict[str, str]]:
    """The images that nodes lack, as `node` and `image`.

    `listings` are results of a loop over the nodes, each with `item` (the node) and `stdout_lines`.
    """
    return [
        {"node": listing["item"], "image": image}
        for listing in listings
        for image in images
        if _kept_name(image) not in listing["stdout_lines"]
    ]


def _kept_name(image: str) -> str:
    """What containerd calls an image that was pulled by its reference: no tag beside a digest."""
    pieces = image_reference(image)
    return f"{pieces['name']}@{pieces['digest']}" if pieces["digest"] else image


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"image_reference": image_reference, "missing_images": missing_images}
