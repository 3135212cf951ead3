"""Action `trackunit.platform.check_settings`: refuse settings that cannot work, all at once.

It runs on the controller and starts no module: it looks at the play's variables, at the schema, and
for two settings at this machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

try:
    from ..plugin_utils import settings_check
except ImportError as error:
    raise AnsibleActionFail(f"{error}: install requirements/tools.txt (make tools)") from error

UNDEFINED = re.compile(r"'(\w+)' is undefined")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: `services` (their names), `secrets` (names that credentials_given may use)."""

    _supports_check_mode = True
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Fails with one sentence for each setting that is wrong."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            argument_spec={
                "services": {"type": "list", "elements": "str", "required": True},
                "secrets": {"type": "list", "elements": "str", "required": True, "no_log": False},
            }
        )
        given = task_vars or {}
        schema = settings_check.schema_of(arguments["services"], arguments["secrets"])
        values, failed = self._values(given, list(schema["properties"]))
        sentences = settings_check.sentences(schema, values, given, failed)
        if sentences:
            lines = "\n".join(f"- {sentence}" for sentence in sentences)
            result["failed"] = True
            result["msg"] = (
                f"Settings that cannot work (inventory group_vars, or -e name=value):\n{lines}"
            )
        return result

    def _values(
        self, given: Mapping[str, Any], names: list[str]
    ) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
        """The settings' values; for those that fail which variable is not defined, and why."""
        values, failed = {}, {}
        for name in names:
            if name not in given:
                continue
            try:
                values[name] = _plain(self._templar.template(given[name]))
            except AnsibleError as error:
                missing = UNDEFINED.search(str(error))
                failed[name] = (
                    missing[1] if missing else "",
                    " ".join(str(error).split()).rstrip("."),
                )
        return values, failed


def _plain(value: Any) -> Any:
    """Without what Ansible attaches to values, and with secrets decrypted."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)
