"""A changed realm is told to the running Keycloak, and nobody is logged out."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.keycloak_admin import Keycloak, ident, keycloak_admin
from tests.support.kubernetes_api import Api, Object, kubernetes_api
from tests.support.plays import ansible_playbook
from tests.support.pod_security import restricted

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "roles/identity/files/apply_realm.py"
SECRETS = yaml.safe_load((ROOT / "roles/credentials/vars/main.yml").read_text())
PLAY = [
    {
        "name": "Tell Keycloak what the realm is to be",
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {
            "group/kubernetes.core.k8s": {"kubeconfig": "{{ platform_kubeconfig }}"}
        },
        "tasks": [
            {
                "name": "Tell it",
                "ansible.builtin.include_role": {
                    "name": "trackunit.platform.identity",
                    "tasks_from": "realm",
                    "public": True,
                },
            },
            {
                "name": "Keep what it was told",
                "ansible.builtin.template": {
                    "src": str(ROOT / "roles/identity/templates/realm.json.j2"),
                    "dest": "{{ realm_file }}",
                    "mode": "0600",
                },
            },
        ],
    }
]


def run(api: Api, **settings: Any) -> None:
    folder = api.kubeconfig.parent
    (folder / "play.yml").write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    given = {
        "platform_kubeconfig": str(api.kubeconfig),
        "realm_file": str(folder / "realm.json"),
        "supply_images": {"python": "trackunit.local/python:1"},
        "credentials_secrets": dict.fromkeys(SECRETS["_credentials_parts"], "secret"),
    } | settings
    done = ansible_playbook(
        folder / "play.yml",
        *("--extra-vars", json.dumps(given)),
        environment={"NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A template of one role that a task of another's name shows cannot be found for it.
    assert "Unable to find" not in done.stderr


def complete(job: Object) -> None:
    job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with kubernetes_api(tmp_path_factory.mktemp("identity")) as made:
        made.created = complete
        run(made)
        yield made


@pytest.fixture(scope="module")
def realm(api: Api) -> Object:
    found: Object = json.loads((api.kubeconfig.parent / "realm.json").read_text())
    return found


def test_the_job_has_the_rights_of_nobody(api: Api) -> None:
    (job,) = [found for (kind, *_), found in api.objects.items() if kind == "Job"]
    pod = job["spec"]["template"]["spec"]
    assert restricted(pod) == []
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["args"] == [SCRIPT.read_text(encoding="utf-8").rstrip("\n")]
    # No secret stands in the Job itself: it mounts and names them.
    assert '"secret"' not in json.dumps(pod["containers"][0]["env"])


def test_another_lifetime_is_another_job_and_no_other_pod(api: Api) -> None:
    before = api.names("Job")
    run(api, identity_access_token_lifespan=600)
    assert api.names("Job") != before
    template = (ROOT / "roles/identity/templates/values.yaml.j2").read_text(encoding="utf-8")
    assert "_identity_realm" not in template
    assert "kc.sh import" not in template


@pytest.fixture
def keycloak(realm: Object) -> Iterator[Keycloak]:
    """A Keycloak that imported the realm when its volume was new."""
    with keycloak_admin() as made:
        new = copy.deepcopy(realm)
        made.settings = {key: value for key, value in new.items() if not isinstance(value, list)}
        for scope in new["clientScopes"]:
            made.scope(scope)
        for client in new["clients"]:
            made.client(client)
        for user in new["users"]:
            made.user(user)
        for kind in ("Default", "Optional"):
            names = new[f"default{kind}ClientScopes"]
            made.assigned[f"default-{kind.lower()}-client-scopes"] = {ident(name) for name in names}
        yield made


def tell(keycloak: Keycloak, wanted: Object, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "wanted.json").write_text(json.dumps(wanted), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.read_text(encoding="utf-8")],
        env=os.environ
        | {
            "NO_PROXY": "127.0.0.1",
            "ENDPOINT": keycloak.url,
            "REALM_FILE": str(folder / "wanted.json"),
            "ADMIN_USERNAME": "admin",
            "ADMIN_PASSWORD": "the administrator's",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def state(keycloak: Keycloak) -> Object:
    return copy.deepcopy(
        {
            "settings": keycloak.settings,
            "scopes": keycloak.scopes,
            "clients": keycloak.clients,
            "users": keycloak.users,
            "assigned": keycloak.assigned,
        }
    )


def test_the_same_realm_stays_the_same(keycloak: Keycloak, realm: Object, tmp_path: Path) -> None:
    before = state(keycloak)
    done = tell(keycloak, realm, tmp_path)
    assert done.returncode == 0, done.stderr
    assert state(keycloak) == before
    assert "2 users" in done.stdout


def test_each_change_arrives_and_nobody_is_removed(
    keycloak: Keycloak, realm: Object, tmp_path: Path
) -> None:
    wanted = copy.deepcopy(realm)
    wanted["accessTokenLifespan"] = 900
    clients = {client["clientId"]: client for client in wanted["clients"]}
    clients["oauth2-proxy"]["secret"] = "another secret"
    clients["trackunit-web"]["redirectUris"] = ["https://app.example.org/*"]
    moved = clients["other-api"]["defaultClientScopes"].pop()
    clients["other-api"]["optionalClientScopes"].append(moved)
    wanted["clients"].append({"clientId": "new", "defaultClientScopes": ["user"]})
    scopes = {scope["name"]: scope for scope in wanted["clientScopes"]}
    scopes["user"]["protocolMappers"][:] = scopes["user"]["protocolMappers"][:2]
    scopes["email"]["protocolMappers"][0]["config"]["claim.name"] = "mail"
    wanted["clientScopes"].append({"name": "new-scope", "protocol": "openid-connect"})
    wanted["defaultOptionalClientScopes"].append("new-scope")
    alice = wanted["users"][0]
    alice["credentials"][0]["value"] = "another password"
    carol = alice | {"id": ident("carol"), "username": "carol", "email": "carol@example.org"}
    wanted["users"].append(carol)

    done = tell(keycloak, wanted, tmp_path)
    assert done.returncode == 0, done.stderr
    assert keycloak.settings["accessTokenLifespan"] == 900
    assert keycloak.clients[ident("oauth2-proxy")]["secret"] == "another secret"
    assert keycloak.clients[ident("trackunit-web")]["redirectUris"] == ["https://app.example.org/*"]
    assert moved not in keycloak.names(f"{ident('other-api')}/default-client-scopes")
    assert moved in keycloak.names(f"{ident('other-api')}/optional-client-scopes")
    assert keycloak.names(f"{ident('new')}/default-client-scopes") == ["user"]
    assert len(keycloak.scopes[ident("user")]["mappers"]) == 2
    changed = keycloak.scopes[ident("email")]["mappers"]["email"]
    assert changed["config"]["claim.name"] == "mail"
    assert "new-scope" in keycloak.names("default-optional-client-scopes")
    assert keycloak.users[alice["id"]]["credentials"][0]["value"] == "another password"
    assert keycloak.users[ident("carol")]["username"] == "carol"
    removed = [path for method, path in keycloak.asked if method == "DELETE"]
    assert removed
    assert all("/protocol-mappers/" in path or "-client-scopes/" in path for path in removed)
    assert not [path for _, path in keycloak.asked if "logout" in path]


def test_a_wrong_password_is_told_and_not_shown(
    keycloak: Keycloak, realm: Object, tmp_path: Path
) -> None:
    keycloak.password = "another"
    done = tell(keycloak, realm, tmp_path)
    assert done.returncode != 0
    assert "/realms/master/protocol/openid-connect/token was answered with 401" in done.stderr
    assert "the administrator's" not in done.stderr
