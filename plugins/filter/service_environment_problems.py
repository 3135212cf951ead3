"""Filter `trackunit.platform.service_environment_problems`: misspelt names in <service>_env."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils import service_environment


class FilterModule:
    """The filter of this file, for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"service_environment_problems": service_environment.problems}
