"""What the roles of the door render, without a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "roles"
DIGEST = "sha256:" + "0a" * 32
HOSTS = ("graphql.local", "storage.graphql.local", "login.graphql.local")

# Templates see what a role's tasks would see: its settings, and what inventory and supply decide.
_PLAY = """
- name: Render the door
  hosts: localhost
  gather_facts: false
  vars_files:
    - "{roles}/front_door/defaults/main.yml"
    - "{roles}/front_door/vars/main.yml"
    - "{roles}/kong/defaults/main.yml"
    - "{roles}/traefik/defaults/main.yml"
  tasks:
    - name: Render
      ansible.builtin.copy:
        dest: "{{{{ rendered_to }}}}"
        mode: "0600"
        content: "{{{{ rendered | to_json }}}}"
      vars:
        rendered:
          configmaps: "{{{{ front_door_configmaps }}}}"
          kong: "{{{{ lookup('template', '{roles}/kong/templates/values.yaml.j2') }}}}"
          traefik: "{{{{ lookup('template', '{roles}/traefik/templates/values.yaml.j2') }}}}"
"""


@dataclass(frozen=True)
class Rendered:
    """Values for the charts, and the files of the ConfigMaps by door."""

    kong: dict[str, Any]
    traefik: dict[str, Any]
    files: dict[str, dict[str, str]]


def render(folder: Path, **settings: Any) -> Rendered:
    """Render with ``settings`` over what a new platform has; ``folder`` is for what is between."""
    for kind in ("templates", "files"):
        (folder / kind).symlink_to(ROLES / "front_door" / kind)
    play = folder / "play.yml"
    play.write_text(_PLAY.format(roles=ROLES), encoding="utf-8")
    given = {
        "rendered_to": str(folder / "rendered.json"),
        "supply_images": {
            "kong": f"docker.io/library/kong:3.9.3@{DIGEST}",
            "kong-ingress-controller": f"docker.io/kong/controller:3.4.7@{DIGEST}",
            "traefik": f"docker.io/library/traefik:v3.7.14@{DIGEST}",
        },
        "supply_charts": {"kong": {"chart_ref": "kong"}, "traefik": {"chart_ref": "traefik"}},
        "front_door_checksum": "of-the-test",
        "ingress_controller_name": "kong",
    } | settings
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", play, "--extra-vars", json.dumps(given)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    found = json.loads((folder / "rendered.json").read_text(encoding="utf-8"))
    return Rendered(
        kong=yaml.safe_load(found["kong"]),
        traefik=yaml.safe_load(found["traefik"]),
        files={
            door: {name: text for one in maps for name, text in one["data"].items()}
            for door, maps in found["configmaps"].items()
        },
    )
