"""How one part of each kind is made.

Every function takes a `Job` and leaves the part's files in `job.out`; the kinds that make an image
give it `job.image` as its name. A kind reads nothing but the repository, the caches of its own
package client and the outputs of the parts that it needs.
"""

from __future__ import annotations

from collections.abc import Callable

from supply.builder.kinds.files import binary, download, go, maven, pypi
from supply.builder.kinds.images import debian, image, node
from supply.builder.kinds.job import Job
from supply.builder.kinds.service import service

# Where a part's files become an image; the others leave files only.
IMAGE_KINDS = frozenset({"debian", "image", "service", "node"})
# Where programs to be run on this machine come out.
TOOL_KINDS = frozenset({"go", "binary", "download"})

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
