"""A service made by `make new-service` is whole: code, tests, and what is derived of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold.service import RefusedError, make, with_line

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
NAME = "alpha-thing-service"
PACKAGE = "alpha_thing_service"

# What a role would make of the new service, without a cluster.
PLAY = """
- name: Derive
  hosts: localhost
  gather_facts: false
  vars_files:
    - roles/certificates/defaults/main.yml
    - roles/namespaces/defaults/main.yml
    - roles/namespaces/vars/main.yml
    - roles/rabbitmq/defaults/main.yml
    - roles/rabbitmq/vars/main.yml
    - roles/credentials/defaults/main.yml
    - roles/credentials/vars/main.yml
  vars:
    credentials_secrets: "{{ dict(_credentials_all | zip(_credentials_all)) }}"
  tasks:
    - name: Resolve the table of flows
      ansible.builtin.include_role:
        name: trackunit.platform.network_policies
        tasks_from: resolve
    - name: Write everything down
      ansible.builtin.copy:
        dest: "{{ playbook_dir }}/derived.json"
        mode: "0600"
        content: >-
          {{ {'policies': network_policies_table | trackunit.platform.network_policies,
              'ca': certificates_ca_namespaces,
              'namespaces': namespaces_all | map(attribute='name') | list,
              'definitions': _rabbitmq_definitions | from_json,
              'secrets': _credentials_all} | to_json }}
"""
# The thin role and the role service, with one task that says what would be applied.
APPLY = """
- name: Say what would be applied
  ansible.builtin.debug:
    msg: "APPLY {{ made.metadata.name }} {{ pod.image }} {{ pod.env | length }}"
  vars:
    made: "{{ lookup('ansible.builtin.template', 'deployment.yaml.j2') | from_yaml }}"
    pod: "{{ made.spec.template.spec.containers[0] }}"
"""
SETTINGS = {
    "network_policies_api_server_addresses": ["10.1.2.3"],
    "network_policies_api_server_port": 6443,
    "network_policies_node_addresses": ["10.1.2.4"],
    "edge_client_cidrs": ["10.9.0.0/16"],
    "ingress_controller_name": "kong",
}


def dev() -> Path:
    """The virtual environment of the apps, as the Makefile calls it."""
    key = hashlib.sha256((ROOT / "requirements/dev.txt").read_bytes()).hexdigest()[:12]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / f"trackunit-platform/venv/dev-{key}/bin"


class Scratch:
    """A copy of the checkout, and commands in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        left_out = (".git", ".venv", ".ansible", "__pycache__", ".*_cache", "charts", "examples")
        shutil.copytree(
            ROOT, self.root, symlinks=True, ignore=shutil.ignore_patterns(*left_out, ".tools-*")
        )
        (self.root / ".venv").symlink_to(BIN.parent)

    def run(self, *command: object, ok: bool = True) -> str:
        result = subprocess.run(
            list(map(str, command)),
            cwd=self.root,
            env=os.environ
            | {
                "ANSIBLE_CONFIG": str(self.root / "ansible.cfg"),
                "MYPYPATH": os.pathsep.join(map(str, self.root.glob("apps/*/src"))),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode == 0) is ok, result.stdout + result.stderr
        return result.stdout + result.stderr

    def play(self, file: str, *options: object, **settings: Any) -> str:
        extra = json.dumps({**SETTINGS, **settings})
        return self.run(BIN / "ansible-playbook", file, "--extra-vars", extra, *options)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    made = Scratch(tmp_path_factory.mktemp("new-service"))
    made.run("make", "new-service", f"NAME={NAME}")
    return made


@pytest.fixture(scope="module")
def derived(scratch: Scratch) -> Any:
    (scratch.root / "derive.yml").write_text(PLAY, encoding="utf-8")
    scratch.play("derive.yml")
    return json.loads((scratch.root / "derived.json").read_text(encoding="utf-8"))


def test_it_is_two_folders_and_one_line(scratch: Scratch) -> None:
    def files(root: Path) -> dict[str, bytes]:
        return {
            str(file.relative_to(root)): file.read_bytes()
            for folder in ("apps", "roles", "inventory", "supply", "playbooks", "plugins", "tests")
            for file in (root / folder).rglob("*")
            if file.is_file() and not file.is_symlink() and "cache" not in str(file)
        }

    before, after = files(ROOT), files(scratch.root)
    changed = {name for name in after if after[name] != before.get(name)}
    inside = (f"apps/{NAME}/", f"roles/{PACKAGE}/")
    (line,) = {name for name in changed if not name.startswith(inside)}
    assert line == "inventory/local/group_vars/all/services.yml"
    assert len(after[line].splitlines()) == len(before[line].splitlines()) + 1


def test_its_code_is_clean(scratch: Scratch) -> None:
    folders = [f"apps/{NAME}", f"roles/{PACKAGE}"]
    scratch.run(BIN / "ruff", "check", *folders)
    scratch.run(BIN / "ruff", "format", "--check", *folders)
    scratch.run(dev() / "mypy", f"apps/{NAME}/src")


def test_its_unit_tests_pass(scratch: Scratch) -> None:
    said = scratch.run(dev() / "python", "-m", "pytest", "-q", f"apps/{NAME}/tests/unit")
    assert "passed" in said


def test_it_has_a_namespace_and_a_policy(derived: Any) -> None:
    assert NAME in derived["namespaces"]
    (policy,) = [p for p in derived["policies"] if p["metadata"]["name"] == NAME]
    assert policy["metadata"]["namespace"] == NAME
    assert "ingress" not in policy["spec"]
    ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    assert ports == {5672, 53}
    (broker,) = [p for p in derived["policies"] if p["metadata"]["name"] == "rabbitmq"]
    assert NAME in json.dumps(broker["spec"]["ingress"])


def test_who_verifies_tokens_is_given_the_ca(derived: Any) -> None:
    assert derived["ca"] == ["api-gateway", "graph-gateway"]


def test_it_has_a_user_with_rights_to_its_own_queue(derived: Any) -> None:
    definitions = derived["definitions"]
    assert NAME in [user["name"] for user in definitions["users"]]
    (rights,) = [entry for entry in definitions["permissions"] if entry["user"] == NAME]
    assert rights["configure"] == "^$"
    assert rights["read"] == (f"^({NAME}\\.image-uploaded|{NAME}\\.image-uploaded\\.parked)$")
    assert rights["write"] == f"^({NAME}\\.returns)$"
    assert f"{NAME}.image-uploaded" in [queue["name"] for queue in definitions["queues"]]
    assert derived["secrets"][f"rabbitmq-{NAME}"]["used_by"] == ["rabbitmq", PACKAGE]


def test_it_has_an_image_and_is_installed_by_its_tag_alone(scratch: Scratch) -> None:
    catalog = f"from supply.builder.catalog import load; print(load()['{NAME}'].is_service)"
    assert scratch.run(BIN / "python", "-c", catalog).strip() == "True"
    (scratch.root / "roles/service/tasks/main.yml").write_text(APPLY, encoding="utf-8")
    said = scratch.play(
        "playbooks/services.yml",
        *("--tags", PACKAGE, "--skip-tags", "images"),
        cluster_provider="existing",
        supply_images={NAME: f"registry.example.com/{NAME}:1"},
        credentials_secrets={f"rabbitmq-{NAME}": "secret"},
        network_policies_table={},
    )
    applied = [line.split("APPLY ")[1] for line in said.splitlines() if "APPLY" in line]
    # LOG_LEVEL, HTTP_PORT, and where RabbitMQ is and as whom.
    assert applied == [f"{NAME} registry.example.com/{NAME}:1 5"]


def test_a_second_of_the_name_is_refused(scratch: Scratch) -> None:
    said = scratch.run("make", "new-service", f"NAME={NAME}", ok=False)
    assert f"error: {NAME} is taken: there is apps/{NAME}" in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "is called by small letters"),
        ("Svc-Thing", "is called by small letters"),
        ("svc--thing", "is called by small letters"),
        ("../svc-thing", "is called by small letters"),
        ("svc-" + "x" * 40, "40 at most"),
        ("json", "which Python needs"),
        ("kube-thing", "a namespace of Kubernetes"),
        ("svc-messaging-bridge", "taken: there is apps/svc-messaging-bridge"),
        ("front-door", "taken: there is roles/front_door"),
        ("kafka-topics", "taken by something in roles/network_policies"),
        ("messaging", "taken by something in roles/namespaces"),
        ("versitygw", "taken by something in supply/catalog.yml"),
    ],
)
def test_a_bad_or_taken_name_is_refused_in_a_sentence(name: str, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        make(name, ROOT)


def test_a_list_that_was_rewritten_is_not_guessed_at() -> None:
    with pytest.raises(RefusedError, match="has no list platform_services"):
        with_line("platform_services: [graph-gateway]\n", NAME)


def test_its_role_has_the_readme_that_make_docs_would_write(scratch: Scratch) -> None:
    text = (scratch.root / "roles" / PACKAGE / "README.md").read_text(encoding="utf-8")
    assert f"| `{PACKAGE}_replicas` | int |" in text
    assert f'`make up ARGS="--tags {PACKAGE}"`' in text
