"""What is held against the objects of a rendered chart: sentences, none where all is right."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from supply.contracts import Contract
from tests.support.pod_security import containers, restricted

Resource = Mapping[str, Any]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod")
CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding", "IngressClass")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def problems(
    resources: Sequence[Resource], expected: Mapping[str, Any], images: Mapping[str, str]
) -> list[str]:
    """Everything in ``resources`` that is not as the expectations have it."""
    workloads = [one for one in resources if one["kind"] in WORKLOADS]
    found = [*_objects(resources, expected), *_labels(resources), *_rights(resources)]
    if len(workloads) != 1:
        return [*found, f"there are {len(workloads)} workloads, one was expected"]
    workload = workloads[0]
    return [
        *found,
        *_services(resources, workload, expected["services"]),
        *_budget(resources, workload, expected["budget"]),
        *_workload(workload, expected["workload"], images),
        *_token(resources, workload, expected["workload"]["token"]),
    ]


def beyond(resources: Sequence[Resource], contract: Contract) -> list[str]:
    """What the main containers ask of their image beyond its contract, or do not give it."""
    found = []
    for workload in resources:
        if workload["kind"] not in WORKLOADS:
            continue
        pod = pod_of(workload)
        read_only = {
            volume["name"]
            for volume in pod.get("volumes") or ()
            if "configMap" in volume or "secret" in volume
        }
        for one in pod["containers"]:
            found += _beyond(one, pod.get("securityContext") or {}, read_only, contract)
    return found


def _beyond(
    container: Mapping[str, Any],
    of_pod: Mapping[str, Any],
    read_only: set[str],
    contract: Contract,
) -> Iterator[str]:
    user = (container.get("securityContext") or {}).get("runAsUser", of_pod.get("runAsUser"))
    if user != contract.user:
        yield f"it runs as user {user}, its contract says {contract.user}"
    names = {
        entry["name"]
        for entry in container.get("env") or ()
        # What only other values are made of.
        if "fieldRef" not in (entry.get("valueFrom") or {})
    }
    for name in sorted(names - set(contract.environment)):
        yield f"{name} is set, and no contract says that it is read"
    mounts = container.get("volumeMounts") or ()
    written = {mount["mountPath"] for mount in mounts if mount["name"] not in read_only}
    for path in sorted(written ^ set(contract.writes)):
        yield f"{path} is a volume in only one of the pod and the contract"
    for mount in mounts:
        path = mount["mountPath"]
        if mount["name"] in read_only and not path.startswith(contract.mounts):
            yield f"{path} is mounted, and no contract says so"


def name_of(resource: Resource) -> str:
    return f"{resource['kind']}/{resource['metadata']['name']}"


def pod_of(workload: Resource) -> Mapping[str, Any]:
    pod: Mapping[str, Any] = workload["spec"]["template"]["spec"]
    return pod


def _objects(resources: Sequence[Resource], expected: Mapping[str, Any]) -> Iterator[str]:
    there = sorted(map(name_of, resources))
    for name in sorted(set(there) - set(expected["objects"])):
        yield f"{name} is there, and nobody expects it"
    for name in sorted(set(expected["objects"]) - set(there)):
        yield f"{name} is not there"
    for name in sorted({name for name in there if there.count(name) > 1}):
        yield f"{name} is there more than once"
    for one in resources:
        namespace = one["metadata"].get("namespace", expected["namespace"])
        if one["kind"] not in CLUSTER_WIDE and namespace != expected["namespace"]:
            yield f"{name_of(one)} is for namespace {namespace}"
        if "helm.sh/hook" in (one["metadata"].get("annotations") or {}):
            yield f"{name_of(one)} is a hook, which no role waits for"


def _labels(resources: Sequence[Resource]) -> Iterator[str]:
    for one in resources:
        template = (one.get("spec") or {}).get("template") or {}
        for metadata in (one["metadata"], template.get("metadata") or {}):
            for key, value in (metadata.get("labels") or {}).items():
                if not isinstance(value, str) or not LABEL_VALUE.fullmatch(value):
                    yield f"{name_of(one)}: label {key} is {value!r}, which Kubernetes refuses"


def _rights(resources: Sequence[Resource]) -> Iterator[str]:
    """Secrets are read in one namespace at most."""
    for one in resources:
        for rule in (one.get("rules") or ()) if one["kind"] == "ClusterRole" else ():
            if {"secrets", "*"} & set(rule.get("resources") or ()):
                yield f"{name_of(one)} reaches the Secrets of every namespace"


def _numbers(workload: Resource) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"]
        for container in containers(pod_of(workload))
        for port in container.get("ports") or ()
        if "name" in port
    }


def _services(
    resources: Sequence[Resource], workload: Resource, expected: Mapping[str, Any]
) -> Iterator[str]:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    numbers = _numbers(workload)
    for one in resources:
        if one["kind"] != "Service":
            continue
        name, spec = one["metadata"]["name"], one["spec"]
        leads = {}
        for port in spec["ports"]:
            target = port.get("targetPort", port["port"])
            leads[port["port"]] = numbers.get(target, target)
        if leads != expected.get(name):
            yield f"Service {name} leads {leads}, not {expected.get(name)}"
        if not spec.get("selector") or not spec["selector"].items() <= labels.items():
            yield f"Service {name} selects {spec.get('selector')}, pods have {labels}"
        if spec.get("type") == "NodePort" or spec.get("externalIPs"):
            yield f"Service {name} is open on nodes"


def _budget(resources: Sequence[Resource], workload: Resource, wanted: bool) -> Iterator[str]:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    budgets = [one for one in resources if one["kind"] == "PodDisruptionBudget"]
    if bool(budgets) != wanted:
        yield f"there are {len(budgets)} PodDisruptionBudgets"
    for one in budgets:
        selector = one["spec"]["selector"]["matchLabels"]
        if not selector.items() <= labels.items():
            yield f"{name_of(one)} selects {selector}, pods have {labels}"


def _workload(
    workload: Resource, expected: Mapping[str, Any], images: Mapping[str, str]
) -> Iterator[str]:
    spec, pod = workload["spec"], pod_of(workload)
    labels = spec["template"]["metadata"]["labels"]
    if not expected["labels"].items() <= labels.items():
        yield f"pods have the labels {labels}, not {expected['labels']}"
    if spec["selector"]["matchLabels"] != expected["labels"]:
        yield f"it selects {spec['selector']['matchLabels']}, not {expected['labels']}"
    # Kubernetes' own default for a StatefulSet that does not say it.
    fixed = {"podManagementPolicy": "OrderedReady", **spec}
    for key, value in expected.get("fixed", {}).items():
        if fixed.get(key) != value:
            yield f"{key} is {fixed.get(key)}, not {value}"
    claims = {
        claim["metadata"]["name"]: {
            "storage": claim["spec"]["resources"]["requests"]["storage"],
            "labels": claim["metadata"].get("labels") or {},
        }
        for claim in spec.get("volumeClaimTemplates") or ()
    }
    if claims != expected.get("claims", {}):
        yield f"it claims {claims}, not {expected.get('claims', {})}"
    yield from restricted(pod)
    yield from _containers(pod, expected, images)
    secrets = sorted(_secrets(pod))
    if secrets != sorted(expected["secrets"]):
        yield f"pods read the Secrets {secrets}, not {sorted(expected['secrets'])}"


def _containers(
    pod: Mapping[str, Any], expected: Mapping[str, Any], images: Mapping[str, str]
) -> Iterator[str]:
    wanted = {images[part] for part in expected["images"]}
    used = {one["image"] for one in containers(pod)}
    if {*map(_exact, used)} != {*map(_exact, wanted)} or len(used) != len(wanted):
        yield f"images are {sorted(used)}, not {sorted(wanted)}"
    ports = {p["containerPort"] for c in containers(pod) for p in c.get("ports") or ()}
    for port in sorted(ports - set(expected["listens"])):
        yield f"port {port} is declared, and nobody expects it"
    for one in containers(pod):
        if (one.get("securityContext") or {}).get("readOnlyRootFilesystem") is not True:
            yield f"{one['name']}: its root file system can be written"
        resources = one.get("resources") or {}
        if "memory" not in (resources.get("limits") or {}) or not resources.get("requests"):
            yield f"{one['name']}: its memory has no limit, or it requests nothing"
        if one.get("imagePullPolicy") == "Always":
            yield f"{one['name']}: its image is pulled at each start"
    environment = {
        entry["name"]: entry.get("value")
        for one in pod["containers"]
        for entry in one.get("env") or ()
    }
    for key, pattern in expected.get("environment", {}).items():
        if not re.fullmatch(str(pattern), str(environment.get(key))):
            yield f"{key} is {environment.get(key)!r}, not {pattern}"
    for probe in expected["probes"]:
        if not any(probe in one for one in pod["containers"]):
            yield f"there is no {probe}"


def _exact(image: str) -> str:
    """The reference without the tag where a digest says which image it is."""
    name, at, digest = image.partition("@")
    path, slash, last = name.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}{at}{digest}" if digest else image


def _secrets(pod: Mapping[str, Any]) -> set[str]:
    """The Secrets that a pod mounts or takes variables from."""
    volumes = [
        source
        for volume in pod.get("volumes") or ()
        for source in (volume, *((volume.get("projected") or {}).get("sources") or ()))
    ]
    found = {
        source["secret"].get("secretName") or source["secret"].get("name")
        for source in volumes
        if "secret" in source
    }
    for container in containers(pod):
        for entry in container.get("env") or ():
            reference = (entry.get("valueFrom") or {}).get("secretKeyRef")
            if reference:
                found.add(reference["name"])
        for entry in container.get("envFrom") or ():
            if "secretRef" in entry:
                found.add(entry["secretRef"]["name"])
    return found


def _token(resources: Sequence[Resource], workload: Resource, wanted: bool) -> Iterator[str]:
    pod = pod_of(workload)
    account = pod.get("serviceAccountName", "default")
    of_account = {
        one["metadata"]["name"]: one.get("automountServiceAccountToken", True)
        for one in resources
        if one["kind"] == "ServiceAccount"
    }
    mounted = pod.get("automountServiceAccountToken", of_account.get(account, True))
    projected = any(
        "serviceAccountToken" in source
        for volume in pod.get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    )
    if (mounted or projected) != wanted:
        yield f"pods {'have' if mounted or projected else 'have no'} token of the API server"
