"""The values that our roles give to charts, templated by Ansible as a run would do it.

Each role runs with its own defaults, variables and templates, and one task of ours in place of its
own: it writes the values down. Settings are those of inventory/local; secrets and what the play
finds out meanwhile are made up.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.trackunit.platform.plugins.plugin_utils import services

ROOT = Path(__file__).resolve().parents[2]

WRITE = """
- name: Write down the values of {role}
  ansible.builtin.copy:
    dest: "{{{{ values_folder }}}}/{role}.json"
    mode: "0600"
    content: >-
      {{{{ lookup('ansible.builtin.template', 'values.yaml.j2') | from_yaml
           | combine({role}_values, recursive=true) | to_json }}}}
"""


def _secrets() -> dict[str, str]:
    parts = yaml.safe_load((ROOT / "roles/credentials/vars/main.yml").read_text(encoding="utf-8"))
    listed = ROOT / "inventory/local/group_vars/all/services.yml"
    described = services.described(
        yaml.safe_load(listed.read_text(encoding="utf-8"))["platform_services"]
    )
    # Hexadecimal, as the salt must be.
    return dict.fromkeys(
        services.platform_secrets(parts["_credentials_parts"], described), "0a1b2c3d"
    )


def templated(
    roles: list[str], images: Mapping[str, Mapping[str, str]], folder: Path
) -> dict[str, dict[str, dict[str, Any]]]:
    """For each set of images the values of every role."""
    # Roles find the repository's other files from where they lie.
    (folder / "apps").symlink_to(ROOT / "apps")
    for role in roles:
        copy = folder / "roles" / role
        (copy / "tasks").mkdir(parents=True)
        for part in ("defaults", "vars", "templates", "files", "meta"):
            if (ROOT / "roles" / role / part).is_dir():
                (copy / part).symlink_to(ROOT / "roles" / role / part)
        (copy / "tasks/main.yml").write_text(WRITE.format(role=role), encoding="utf-8")
    (folder / "ca.crt").write_text("the platform's CA, made up\n", encoding="utf-8")
    variables = {
        "platform_state_dir": str(folder),
        "credentials_secrets": _secrets(),
        # What role front_door finds out before a door is installed.
        "front_door_checksum": "made-up",
    }
    tasks = [
        {
            "name": f"Values of {role}",
            "ansible.builtin.include_role": {"name": role},
            "vars": {
                "values_folder": str(folder / f"{number}"),
                "supply_images": dict(chosen),
                "supply_charts": {part: {"chart_ref": str(folder)} for part in chosen},
            },
        }
        for number, chosen in enumerate(images.values())
        for role in roles
    ]
    for number in range(len(images)):
        (folder / f"{number}").mkdir()
    play = [
        {
            "name": "Values",
            "hosts": "localhost",
            "gather_facts": False,
            "vars": variables,
            "vars_files": [
                str(ROOT / "roles/front_door/defaults/main.yml"),
                str(ROOT / "roles/front_door/vars/main.yml"),
            ],
            "tasks": tasks,
        }
    ]
    (folder / "play.json").write_text(json.dumps(play), encoding="utf-8")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *("--inventory", str(ROOT / "inventory/local"), str(folder / "play.json")),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(folder / "roles"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the roles' values cannot be templated:\n{done.stdout}{done.stderr}")
    return {
        way: {
            role: json.loads((folder / f"{number}/{role}.json").read_text(encoding="utf-8"))
            for role in roles
        }
        for number, way in enumerate(images)
    }
