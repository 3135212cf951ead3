"""Action `trackunit.platform.supply`: ask the builder, or let it build and show its progress.

It runs on the controller, where the caches and the Docker engine are. A command task would hide
a quarter of an hour of building behind one silent line; this passes each line on as it comes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

ROOT = Path(__file__).resolve().parents[2]
display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: `state` (resolved, built), `source` (auto, registry, packages), `parts` (list).

    `image_registry` is where images made here are pushed to; empty for a cluster that has them.
    """

    _supports_check_mode = True
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Facts `supply_*`; changed when a part was made (or would be, in check mode)."""
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            argument_spec={
                "state": {"choices": ["resolved", "built"], "default": "resolved"},
                "source": {"choices": ["auto", "registry", "packages"], "default": "auto"},
                "parts": {"type": "list", "elements": "str", "default": []},
                "cache_dir": {"type": "path", "required": True},
                "image_registry": {"type": "str", "default": ""},
            }
        )
        self._environment = {"TRACKUNIT_CACHE_DIR": arguments["cache_dir"]}
        made = 0
        if arguments["state"] == "built":
            command = "missing" if self._task.check_mode else "build"
            lines = self._builder(command, arguments, show=not self._task.check_mode)
            made = int(lines[-1].split()[1])
        facts = json.loads(self._builder("resolve", {**arguments, "parts": []}, show=False)[-1])
        return {"changed": made > 0, "ansible_facts": facts, "made": made}

    def _builder(self, command: str, arguments: dict[str, Any], *, show: bool) -> list[str]:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "supply.builder",
                command,
                *arguments["parts"],
                "--source",
                arguments["source"],
                "--image-registry",
                arguments["image_registry"],
            ],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines = []
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if show:
                display.display(lines[-1])
        errors = process.stderr.read() if process.stderr else ""
        if process.wait() != 0:
            raise AnsibleActionFail(
                errors.strip() or f"the builder ended with {process.returncode}"
            )
        return lines
