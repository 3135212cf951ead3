"""Filter `trackunit.platform.topology`: the names that messages travel by, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.topology import topology


class FilterModule:
    """The filter of this file, for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"topology": topology}
