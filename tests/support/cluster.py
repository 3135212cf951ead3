"""The cluster as the end-to-end tests need it: workloads, their pods, and a way to kill one."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config, stream

NAME_LABEL = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Workload:
    namespace: str
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Cluster:
    core: Any
    apps: Any

    @classmethod
    def of(cls, kubeconfig: Path) -> "Cluster":
        api = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        return cls(client.CoreV1Api(api), client.AppsV1Api(api))

    def pods(self, workload: Workload) -> list[Any]:
        """The pods that are not over or on their way out."""
        listed = self.core.list_namespaced_pod(
            workload.namespace, label_selector=f"{NAME_LABEL}={workload.name}"
        )
        return [
            pod
            for pod in listed.items
            if pod.metadata.deletion_timestamp is None
            and pod.status.phase not in ("Succeeded", "Failed")
        ]

    def kill(self, workload: Workload) -> str:
        """Take one pod away without notice; its name."""
        name: str = self.pods(workload)[0].metadata.name
        self.core.delete_namespaced_pod(name, workload.namespace, grace_period_seconds=0)
        return name

    def wait_gone(self, pod: Any, limit: float = 300) -> None:
        """Wait until ``pod`` is there no more."""
        name, namespace = pod.metadata.name, pod.metadata.namespace
        deadline = time.monotonic() + limit
        while any(
            found.metadata.uid == pod.metadata.uid
            for found in self.core.list_namespaced_pod(namespace).items
        ):
            if time.monotonic() > deadline:
                raise TimeoutError(f"pod {name} has not ended after {limit:.0f} s")
            time.sleep(1)

    def wait_ready(self, workload: Workload, replicas: int, limit: float = 300) -> None:
        """Wait until ``replicas`` pods are ready."""
        deadline = time.monotonic() + limit
        while True:
            ready = sum(_ready(pod) for pod in self.pods(workload))
            if ready >= replicas:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{workload}: {ready} of {replicas} pods are ready")
            time.sleep(1)

    def restart(self, workload: Workload, limit: float = 600) -> None:
        """Replace all pods of a Deployment as a rollout does it; wait until the old are gone."""
        old = self.pods(workload)
        stamp = {"trackunit.local/restarted-at": str(time.time())}
        body = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        self.apps.patch_namespaced_deployment(workload.name, workload.namespace, body)
        for pod in old:
            self.wait_gone(pod, limit)
        self.wait_ready(workload, len(old), limit)

    def exec(self, namespace: str, pod: str, *command: str) -> str:
        output: str = stream.stream(
            self.core.connect_get_namespaced_pod_exec,
            pod,
            namespace,
            command=list(command),
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
        )
        return output


def _ready(pod: Any) -> bool:
    conditions = pod.status.conditions or []
    return any(found.type == "Ready" and found.status == "True" for found in conditions)
