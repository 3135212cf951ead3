"""Any one pod of the platform dies while ten pictures are under way: all ten are answered."""

import json
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster, Workload
from tests.support.platform import EXAMPLES, EXPECTED, Account

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

# Stages of the client: the first shows that pictures are under way, the second that some are
# already in the middle of the platform. Each part dies when it is busiest.
UPLOADING, CONFIRMED = ": uploading", ": confirmed"
WORKLOADS = [
    (Workload("graph-gateway", "graph-gateway"), CONFIRMED),
    (Workload("tu-ingestion-service", "tu-ingestion-service"), UPLOADING),
    (Workload("svc-ai-vision-adapter", "svc-ai-vision-adapter"), CONFIRMED),
    (Workload("svc-messaging-bridge", "svc-messaging-bridge"), CONFIRMED),
    (Workload("svc-analysis-orchestrator", "svc-analysis-orchestrator"), CONFIRMED),
    (Workload("messaging", "rabbitmq"), CONFIRMED),
    (Workload("messaging", "kafka"), CONFIRMED),
    (Workload("object-storage", "object-storage"), UPLOADING),
    (Workload("api-gateway", "oauth2-proxy"), UPLOADING),
    (Workload("api-gateway", "traefik"), UPLOADING),
    (Workload("api-gateway", "kong"), UPLOADING),
    (Workload("identity", "keycloak"), UPLOADING),
]
# Which of these a platform has is a matter of its settings.
OPTIONAL = {"traefik", "kong", "kafka", "object-storage", "keycloak"}
TEN = sorted(name for name in EXPECTED if EXPECTED[name]["brand"])[:10]


@pytest.fixture
def healthy(cluster: Cluster, workload: Workload) -> Iterator[int]:
    """The workload with all its pods, before and after; how many they are."""
    replicas = len(cluster.pods(workload))
    if replicas == 0 and workload.name in OPTIONAL:
        pytest.skip(f"{workload} is not part of this platform")
    assert replicas > 0, f"{workload} has no pods"
    cluster.wait_ready(workload, replicas)
    yield replicas
    cluster.wait_ready(workload, replicas)


@pytest.mark.parametrize(("workload", "moment"), WORKLOADS, ids=str)
def test_all_ten_are_answered(
    cluster: Cluster, alice: Account, workload: Workload, healthy: int, moment: str
) -> None:
    assert len(TEN) == 10
    files = [EXAMPLES / name for name in TEN]
    sending = alice.start_client("upload", "--json", "--parallel", 10, "--timeout", 400, *files)
    seen, reached = [], threading.Event()

    def read() -> None:
        assert sending.stderr is not None
        for line in sending.stderr:
            seen.append(f"{time.strftime('%H:%M:%S')} {line}")
            if moment in line:
                reached.set()
        reached.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert reached.wait(120), seen
        assert sending.poll() is None, f"over before the pod could be killed: {seen}"
        killed = cluster.kill(workload)
        assert sending.stdout is not None
        out = sending.stdout.read()
        sending.wait(450)
    finally:
        sending.kill()
        sending.wait()
        reader.join(10)
    results = [json.loads(line) for line in out.splitlines()]
    said = f"killed {killed}; the client said:\n{''.join(seen)}"
    assert len(results) == 10, said
    assert [result["error"] for result in results] == [None] * 10, said
    for result in results:
        name = result["file"].rpartition("/")[2]
        assert result["success"] is True, said
        assert result["recognitionPayload"]["aggregate"]["model"] == EXPECTED[name]["model"], said
