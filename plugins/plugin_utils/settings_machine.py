"""What only this machine can tell about settings: the kubeconfig's file, and a port in use."""

from __future__ import annotations

import errno
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

LOOPBACK = "127.0.0.1"


def problems(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, by setting; ``values`` are those that the schema found good."""
    found: dict[str, str] = {}
    name = "platform_kubeconfig"
    kubeconfig = Path(values[name]) if name in values else None
    if values.get("cluster_provider") == "existing" and kubeconfig:
        wrong = wrong_kubeconfig(kubeconfig)
        if wrong:
            found[name] = f"is {kubeconfig}, {wrong}"
    port = values.get("kind_cluster_api_server_port")
    kind = values.get("cluster_provider") == "kind"
    # The platform's own cluster holds its port.
    if kind and port and port_in_use(port) and port not in own_ports(values.get("platform_name")):
        wrong = f"is {port}, which another program of this machine listens on"
        found["kind_cluster_api_server_port"] = wrong
    return found


def wrong_kubeconfig(path: Path) -> str | None:
    """Why nobody can reach a cluster by this file, if so."""
    try:
        config = _read(path)
    except FileNotFoundError:
        return "and there is no such file"
    except (OSError, UnicodeDecodeError) as error:
        return f"which cannot be read ({error})"
    except yaml.YAMLError:
        return "which is no YAML"
    if not isinstance(config, dict) or not config.get("clusters"):
        return "which is no kubeconfig: it names no clusters"
    contexts = [entry["name"] for entry in config.get("contexts") or [] if "name" in entry]
    if config.get("current-context") not in contexts:
        return "whose current-context is none of its contexts"
    return None


def port_in_use(port: int) -> bool:
    """Whether a program listens on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            # The engine may take ports that a user may not.
            return error.errno == errno.EADDRINUSE
    return False


def own_ports(platform: Any) -> set[int]:
    """The ports of this machine that the engine publishes for the platform's control plane."""
    try:
        answer = subprocess.run(
            ["docker", "port", f"{platform}-control-plane"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return set()
    return {int(port) for port in re.findall(r":(\d+)$", answer.stdout, re.MULTILINE)}


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
