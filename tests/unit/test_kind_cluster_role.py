"""The kind cluster's configuration: one pod network, one way to mirrors, whatever the source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import yaml

TEMPLATES = Path(__file__).parents[2] / "roles" / "kind_cluster" / "templates"
SETTINGS = {
    "kind_cluster_name": "test",
    "kind_cluster_workers": 2,
    "kind_cluster_pod_subnet": "10.244.0.0/16",
    "kind_cluster_service_subnet": "10.96.0.0/16",
    "kind_cluster_api_server_port": 0,
    "kind_cluster_kubeadm_patches": [],
    "_kind_cluster_registries_dir": "/state/registries",
    "kind_cluster_network_image": "localhost:5000/docker.io/cloudnativelabs/kube-router:v2",
}


def rendered(name: str, **more: Any) -> str:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string((TEMPLATES / name).read_text(encoding="utf-8"))
    return template.render(SETTINGS | {"ansible_managed": "managed"} | more)


def test_no_cluster_has_the_pod_network_of_its_node_image() -> None:
    cluster = yaml.safe_load(rendered("kind.yml.j2"))
    assert cluster["networking"]["disableDefaultCNI"] is True


def test_every_node_reads_where_registries_are() -> None:
    cluster = yaml.safe_load(rendered("kind.yml.j2"))
    # containerd 2.1 and 1.6, the node images' versions, have no default for it.
    (patch,) = cluster["containerdConfigPatches"]
    assert 'config_path = "/etc/containerd/certs.d"' in patch
    assert [node["role"] for node in cluster["nodes"]] == ["control-plane", "worker", "worker"]
    for node in cluster["nodes"]:
        (mount,) = node["extraMounts"]
        assert mount["hostPath"] == "/state/registries"
        assert mount["containerPath"] == "/etc/containerd/certs.d"
        assert mount["readOnly"] is True


def test_where_a_registry_is() -> None:
    elsewhere = {"key": "localhost:5000", "value": {"url": "http://registry:5000"}}
    assert '[host."http://registry:5000"]' in rendered("hosts.toml.j2", item=elsewhere)
    own_ca = {"key": "registry.example.com", "value": {"ca_file": "/x.pem"}}
    text = rendered("hosts.toml.j2", item=own_ca)
    assert '[host."https://registry.example.com"]' in text
    assert 'ca = "/etc/containerd/certs.d/registry.example.com/ca.crt"' in text


def test_the_pod_network_brings_the_plugin_that_a_node_lacks() -> None:
    objects = list(yaml.safe_load_all(rendered("kube-router.yaml.j2")))
    (daemons,) = [found for found in objects if found["kind"] == "DaemonSet"]
    pod = daemons["spec"]["template"]["spec"]
    images = {container["image"] for container in pod["containers"] + pod["initContainers"]}
    assert images == {SETTINGS["kind_cluster_network_image"]}
    (install,) = pod["initContainers"]
    assert "/usr/libexec/cni/bridge" in install["command"][-1]
    assert "/opt/cni/bin" in {mount["mountPath"] for mount in install["volumeMounts"]}
