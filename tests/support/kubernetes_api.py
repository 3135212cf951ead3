"""A Kubernetes API that keeps objects in memory: enough for plays that read, apply and delete."""

from __future__ import annotations

import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

# Group and version, then plural: kind and whether it lives in a namespace.
RESOURCES: dict[str, dict[str, tuple[str, bool]]] = {
    "v1": {
        "namespaces": ("Namespace", False),
        "secrets": ("Secret", True),
        "configmaps": ("ConfigMap", True),
        "resourcequotas": ("ResourceQuota", True),
        "limitranges": ("LimitRange", True),
        "pods": ("Pod", True),
        "persistentvolumeclaims": ("PersistentVolumeClaim", True),
    },
    "batch/v1": {"jobs": ("Job", True)},
    "rbac.authorization.k8s.io/v1": {
        "roles": ("Role", True),
        "rolebindings": ("RoleBinding", True),
        "clusterroles": ("ClusterRole", False),
        "clusterrolebindings": ("ClusterRoleBinding", False),
    },
}
_SET = re.compile(r"^(\S+) (notin|in) \((.*)\)$")
_PATH = re.compile(
    r"^/(?:api|apis/(?P<group>[^/]+))/(?P<version>v1)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?$"
)


def selected(labels: dict[str, str], selector: str) -> bool:
    """Whether labels fit a selector, as the API server has it."""
    for part in re.split(r",(?![^(]*\))", selector):
        if found := _SET.match(part):
            name, operator, values = found.groups()
            among = labels.get(name) in [value.strip() for value in values.split(",")]
            if among != (operator == "in"):
                return False
        elif part:
            name, _, value = part.partition("=")
            if labels.get(name) != value.lstrip("="):
                return False
    return True


def merged(old: Any, new: Any) -> Any:
    """A merge patch: what is null goes, lists are replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    together = {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return {key: value for key, value in together.items() if value is not None}


@dataclass
class Api:
    """The objects, and what was asked to change them: ``("DELETE", "Namespace", "", "name")``."""

    kubeconfig: Path
    url: str = ""
    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    changes: list[tuple[str, str, str, str]] = field(default_factory=list)
    # Called with a new object, for example to let a Job end.
    created: Callable[[Object], None] = lambda new: None

    def add(self, kind: str, name: str, namespace: str = "", **more: Any) -> Object:
        labels = more.pop("labels", {})
        new = {"kind": kind, "metadata": {"name": name, "labels": labels}, **more}
        if namespace:
            new["metadata"]["namespace"] = namespace
        new["metadata"]["uid"] = f"{kind}-{namespace}-{name}"
        self.objects[kind, namespace, name] = new
        return new

    def names(self, kind: str) -> list[str]:
        return sorted(name for found, _, name in self.objects if found == kind)


class _Handler(http.server.BaseHTTPRequestHandler):
    api: Api

    def _answer(self, body: Any, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: int, reason: str) -> None:
        self._answer(
            {"kind": "Status", "status": "Failure", "reason": reason, "code": status}, status
        )

    def _discovery(self, path: str) -> Any:
        if path == "/version":
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = [name.split("/")[0] for name in RESOURCES if "/" in name]
            version = {name: {"groupVersion": f"{name}/v1", "version": "v1"} for name in groups}
            return {
                "kind": "APIGroupList",
                "groups": [
                    {"name": name, "versions": [version[name]], "preferredVersion": version[name]}
                    for name in groups
                ],
            }
        group = path.removeprefix("/apis/").removeprefix("/api/")
        if group not in RESOURCES:
            return None
        return {
            "kind": "APIResourceList",
            "groupVersion": group,
            "resources": [
                {
                    "name": plural,
                    "singularName": kind.lower(),
                    "namespaced": namespaced,
                    "kind": kind,
                    "verbs": ["create", "delete", "get", "list", "patch", "update"],
                }
                for plural, (kind, namespaced) in RESOURCES[group].items()
            ],
        }

    def _serve(self) -> None:
        place = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(place.query))
        if (found := self._discovery(place.path)) is not None:
            return self._answer(found)
        match = _PATH.match(place.path)
        group = f"{match['group']}/v1" if match and match["group"] else "v1"
        if not match or match["plural"] not in RESOURCES.get(group, {}):
            return self._refuse(404, "NotFound")
        kind = RESOURCES[group][match["plural"]][0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = json.loads(body) if body else {}
        return self._objects(group, kind, match["namespace"] or "", match["name"], asked, given)

    def _objects(
        self, group: str, kind: str, namespace: str, name: str | None, asked: Any, given: Any
    ) -> None:
        api, selector = self.api, asked.get("labelSelector", "")
        if name is None and self.command in ("GET", "DELETE"):
            items = {
                key: {"apiVersion": group, **found}
                for key, found in api.objects.items()
                if key[0] == kind
                and namespace in ("", key[1])
                and selected(found["metadata"].get("labels") or {}, selector)
            }
            if self.command == "DELETE":
                for key in items:
                    api.changes.append(("DELETE", *key))
                    del api.objects[key]
            return self._answer(
                {"kind": f"{kind}List", "apiVersion": group, "items": [*items.values()]}
            )
        key = (kind, namespace, name or given["metadata"]["name"])
        there, dry = api.objects.get(key), "dryRun" in asked
        if there is None and (self.command in ("GET", "DELETE") or self._merges()):
            return self._refuse(404, "NotFound")
        if self.command == "GET":
            return self._answer({"apiVersion": group, **api.objects[key]})
        if not dry:
            api.changes.append((self.command, *key))
        if self.command == "DELETE":
            if not dry:
                del api.objects[key]
            return self._answer({"kind": "Status", "status": "Success"})
        new = merged(there or {"metadata": {"uid": "-".join(key)}}, given)
        if not dry:
            api.objects[key] = new
            if there is None:
                api.created(new)
        return self._answer({"apiVersion": group, **new})

    def _merges(self) -> bool:
        return self.command == "PATCH" and "apply-patch" not in (self.headers["Content-Type"] or "")

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def kubernetes_api(folder: Path) -> Iterator[Api]:
    """An API on this machine, and the kubeconfig that leads to it."""
    api = Api(folder / "kubeconfig")
    handler = type("Handler", (_Handler,), {"api": api})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    api.kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": {"server": api.url}}],
                "users": [{"name": "test", "user": {}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "current-context": "test",
            }
        ),
        encoding="utf-8",
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
