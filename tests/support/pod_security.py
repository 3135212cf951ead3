"""What the Pod Security Standard ``restricted`` forbids, as Kubernetes 1.34 checks it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/. Rendered charts are held to it
here, so that what a namespace would refuse is found without a cluster.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SECCOMP = ("RuntimeDefault", "Localhost")
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
KINDS_OF_CONTAINER = ("initContainers", "containers", "ephemeralContainers")


def containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every container of a pod's spec, those that run before and beside the others included."""
    return [one for kind in KINDS_OF_CONTAINER for one in pod.get(kind) or ()]


def restricted(pod: Mapping[str, Any]) -> list[str]:
    """A sentence for each thing in a pod's spec that ``restricted`` forbids."""
    return [*_of_pod(pod), *(f"{c['name']}: {w}" for c in containers(pod) for w in _of(c, pod))]


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"{name} is true"
    context = pod.get("securityContext") or {}
    if context.get("runAsUser") == 0:
        yield "the pod runs as user 0"
    for sysctl in context.get("sysctls") or ():
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']} is set"
    for volume in pod.get("volumes") or ():
        for kind in sorted(set(volume) - {"name"} - VOLUMES):
            yield f"volume {volume['name']} is of kind {kind}"


def _of(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    own = container.get("securityContext") or {}
    of_pod = pod.get("securityContext") or {}
    if own.get("privileged"):
        yield "privileged is true"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    capabilities = own.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield "capabilities are not all dropped"
    for added in sorted(set(capabilities.get("add") or ()) - {"NET_BIND_SERVICE"}):
        yield f"capability {added} is added"
    if own.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    if own.get("runAsUser") == 0:
        yield "it runs as user 0"
    profile = own.get("seccompProfile") or of_pod.get("seccompProfile") or {}
    if profile.get("type") not in SECCOMP:
        yield f"seccompProfile is not one of {', '.join(SECCOMP)}"
    if own.get("procMount", "Default") != "Default":
        yield f"procMount is {own['procMount']}"
    yield from _ports(container.get("ports") or ())


def _ports(ports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for port in ports:
        if port.get("hostPort"):
            yield f"hostPort {port['hostPort']} is taken"
