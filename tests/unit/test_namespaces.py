"""Where a part runs is no setting, and whoever names its namespace names the same one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def read(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("role", "workload"),
    [
        ("rabbitmq", "rabbitmq"),
        ("kafka", "kafka"),
        ("object_storage", "object-storage"),
        ("identity", "keycloak"),
    ],
)
def test_a_part_runs_in_the_namespace_that_the_others_know(role: str, workload: str) -> None:
    assert f"{role}_namespace" not in read(f"roles/{role}/defaults/main.yml")
    namespace = read(f"roles/{role}/vars/main.yml")[f"_{role}_namespace"]
    table = read("roles/network_policies/defaults/main.yml")["network_policies_workloads"]
    assert table[workload]["namespace"] == namespace
    made = [part["name"] for part in read("roles/namespaces/defaults/main.yml")["namespaces_parts"]]
    assert namespace in made
