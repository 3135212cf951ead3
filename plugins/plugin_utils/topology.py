"""The topology of the platform: what the services share, and what each of them owns.

The rules are those of the apps' own package (tu_common/wiring.py), which is read from its source.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.services import (
    ROOT,
    Description,
    ServiceError,
    read_yaml,
)

FILE = "topology.yml"


def topology(
    services: Mapping[str, Description],
    users_extra: Mapping[str, Any] | None = None,
    shared_extra: Mapping[str, Mapping[str, Any]] | None = None,
    root: Path = ROOT,
) -> dict[str, Any]:
    """The whole topology of these services, and of users who are no services of ours."""
    common = root / "apps/tu-common/src/tu_common"
    shared = dict(read_yaml(common / FILE))
    for section, entries in (shared_extra or {}).items():
        shared[section] = {**shared.get(section, {}), **entries}
    owned = {name: _own(service, root) for name, service in services.items()}
    owned = {name: own for name, own in owned.items() if own is not None}
    rules = _wiring(common / "wiring.py")
    try:
        whole: dict[str, Any] = rules.wired(shared, {**owned, **(users_extra or {})})
    except rules.WiringError as error:
        raise ServiceError(str(error)) from None
    return whole


def _own(service: Description, root: Path) -> Any:
    """What a service owns at the brokers; nothing where it has no connection to RabbitMQ."""
    file = root / "apps" / service["name"] / "src" / service["role"] / FILE
    connected = "rabbitmq" in service["connections"]
    if connected == file.exists():
        return read_yaml(file) if connected else None
    raise ServiceError(
        f"service {service['name']}: "
        + (
            f"connection rabbitmq needs {file.relative_to(root)}, which says what it may use"
            if connected
            else f"{file.relative_to(root)} is of no use without the connection rabbitmq"
        )
    )


@functools.cache
def _wiring(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("trackunit_platform_wiring", file)
    if spec is None or spec.loader is None:
        raise ServiceError(f"{file} cannot be read")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
