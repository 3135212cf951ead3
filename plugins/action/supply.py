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
    `leave_out` names parts that the settings do not use. `ask_again` forgets what hosts answered;
    `keep` decides as it was decided before, and lets nothing that is missing stop the play.
    `image_mirror`, `download_mirror` and `pins_file` say where public things are had instead.
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
                "ask_again": {"type": "bool", "default": False},
                "keep": {"type": "bool", "default": False},
                "leave_out": {"type": "list", "elements": "str", "default": []},
                "image_mirror": {"type": "str", "default": ""},
                "download_mirror": {"type": "str", "default": ""},
                # Not a path: an empty one would become the current folder.
                "pins_file": {"type": "str", "default": ""},
                "parts": {"type": "list", "elements": "str", "default": []},
                "cache_dir": {"type": "path", "required": True},
                "image_registry": {"type": "str", "default": ""},
            }
        )
        self._environment = {"TRACKUNIT_CACHE_DIR": arguments["cache_dir"]}
        if arguments["state"] == "resolved":
            command, words = "resolve", []
        else:
            command = "missing" if self._task.check_mode else "build"
            words = ["--facts", *arguments["parts"]]
        show = command == "build"
        lines = self._builder([command, *words, *_options(arguments)], show=show)
        made = 0 if command == "resolve" else int(lines[-2].split()[1])
        return {"changed": made > 0, "ansible_facts": json.loads(lines[-1]), "made": made}

    def _builder(self, words: list[str], *, show: bool) -> list[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "supply.builder", *words],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines: list[str] = []
        for line in process.stdout or ():
            # The last line is for the play, not for the reader.
            if show and lines:
                display.display(lines[-1])
            lines.append(line.rstrip())
        said = (process.stderr.read() if process.stderr else "").strip()
        if process.wait() != 0:
            raise AnsibleActionFail(said or f"the builder ended with {process.returncode}")
        if said:
            display.display(said)
        return lines


def _options(arguments: dict[str, Any]) -> list[str]:
    """The builder's options for a task's arguments."""
    options = [f"--source={arguments['source']}"]
    options += [f"--leave-out={part}" for part in arguments["leave_out"]]
    for name in ("ask_again", "keep"):
        if arguments[name]:
            options.append(f"--{name.replace('_', '-')}")
    for name in ("image_registry", "image_mirror", "download_mirror"):
        options.append(f"--{name.replace('_', '-')}={arguments[name]}")
    if arguments["pins_file"]:
        options.append(f"--pins={arguments['pins_file']}")
    return options
