"""Each image made here does what its contract says, under exactly the contract's terms.

The containers are those of tests/support: the contract's user, a read-only root file system, no
capability, volumes at the paths that the contract names. With TRACKUNIT_TEST_IMAGES other images
are held to the same.
"""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
import yaml

from tests.support.brokers.kafka import Kafka
from tests.support.brokers.keycloak import Keycloak
from tests.support.brokers.rabbitmq import Rabbitmq
from tests.support.brokers.s3 import S3
from tests.support.containers import (
    Container,
    container,
    contracts,
    docker,
    free_port,
    wait_for,
)

ROOT = Path(__file__).resolve().parents[2]
# As /proc/net/tcp writes them: the state, and addresses that nobody outside the container reaches.
LISTENING = "0A"
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


@pytest.fixture(scope="session")
def oauth2_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    port = free_port()
    settings = tmp_path_factory.mktemp("oauth2-proxy") / "oauth2_proxy.cfg"
    settings.write_text(
        'provider = "github"\nemail_domains = ["*"]\nupstreams = ["static://200"]\n'
    )
    settings.chmod(0o644)
    with container(
        "oauth2-proxy",
        ports={4180: port},
        environment={
            "OAUTH2_PROXY_CLIENT_ID": "tests",
            "OAUTH2_PROXY_CLIENT_SECRET": "tests",
            "OAUTH2_PROXY_COOKIE_SECRET": "0123456789abcdef",
        },
        files={"/etc/oauth2_proxy/oauth2_proxy.cfg": settings},
        command=[
            "--http-address=0.0.0.0:4180",
            "--metrics-address=0.0.0.0:44180",
            "--config=/etc/oauth2_proxy/oauth2_proxy.cfg",
        ],
    ) as proxy:
        yield proxy


def answers(url: str) -> None:
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.status == 200


def listening(of: Container) -> set[int]:
    """The ports that a container's processes listen on, those of loopback left out."""
    process = docker("inspect", "--format", "{{.State.Pid}}", of.name).strip()
    found = set()
    for kind in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{kind}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, port = local.rpartition(":")
            if state == LISTENING and address not in LOOPBACK:
                found.add(int(port, 16))
    return found


def hold(part: str, of: Container) -> None:
    """What can be asked of every running container about its contract."""
    terms = contracts()[part]
    about = json.loads(docker("inspect", of.name))[0]
    assert about["Config"]["User"] == f"{terms.user}:{terms.user}"
    assert about["HostConfig"]["ReadonlyRootfs"]
    assert about["HostConfig"]["CapDrop"] == ["ALL"]
    of.wait(
        f"{part} listens on {sorted(terms.listens)}",
        lambda: _same(listening(of), set(terms.listens)),
        timeout=120,
    )
    if terms.programs:
        wanted = " ".join(terms.programs)
        missing = f'for p in {wanted}; do command -v "$p" > /dev/null || echo "$p"; done'
        assert of.exec("sh", "-c", missing) == "", "programs that its contract names are not there"


def _same(found: set[int], wanted: set[int]) -> None:
    assert found == wanted


def test_rabbitmq(rabbitmq: Rabbitmq) -> None:
    hold("rabbitmq", rabbitmq.container)
    # As the probes of the chart ask.
    rabbitmq.container.exec("bash", "-ec", "rabbitmq-diagnostics -q check_running")


def test_kafka(kafka: Kafka) -> None:
    hold("kafka", kafka.container)


def test_topics_are_made_and_mended(kafka: Kafka) -> None:
    """The script of role kafka's Job, with the topics there already: each of the tools is used."""
    role = ROOT / "roles/kafka"
    names = yaml.safe_load((ROOT / "apps/tu-common/src/tu_common/topology.yml").read_text("utf-8"))
    template = (role / "templates/topics.sh.j2").read_text(encoding="utf-8")
    script = (
        jinja2.Environment(autoescape=False, trim_blocks=True)
        .from_string(template)
        .render(_kafka_topics=names["topics"].values())
        .replace("kafka:9092", kafka.bootstrap)
    )
    image, terms = kafka.container.image, contracts()["kafka"]
    # In the host's network, where the broker says that it is.
    arguments = ["--rm", "--network=host", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp:exec"]
    arguments += [f"--user={terms.user}:{terms.user}", "--env=LOG_DIR=/tmp", "--entrypoint=sh"]
    said = docker("run", *arguments, image, "-euc", script)
    assert "Completed updating config for topic" in said


def test_keycloak(keycloak: Keycloak) -> None:
    hold("keycloak", keycloak.container)


def test_our_keycloak_is_not_augmented_once_more(keycloak: Keycloak) -> None:
    if not keycloak.container.image.startswith("trackunit.local/"):
        pytest.skip("a public image is augmented when it starts")
    assert "augmentation" not in keycloak.container.logs(tail=1000)


def test_object_storage(s3: S3) -> None:
    hold("object-storage", s3.container)


def test_oauth2_proxy(oauth2_proxy: Container) -> None:
    url = f"http://127.0.0.1:{oauth2_proxy.ports[4180]}/ping"
    oauth2_proxy.wait("oauth2-proxy answers", lambda: answers(url))
    hold("oauth2-proxy", oauth2_proxy)


def test_python() -> None:
    files = (
        ROOT / "roles/object_storage/files/setup.py",
        ROOT / "roles/network_probe/files/probe.py",
    )
    checked = "; ".join(f"compile({file.read_text()!r}, {file.name!r}, 'exec')" for file in files)
    script = f"import sys; assert sys.version_info >= (3, 11); {checked}; sys.stdin.read()"
    with container("python", ports={}, entry="python3", command=["-c", script]) as one:
        wait_for("python ends well", lambda: _ended(one), timeout=120)


@pytest.mark.parametrize("part", ["cloud-provider-kind", "envoy"])
def test_what_runs_beside_the_cluster(part: str) -> None:
    terms = contracts()[part]
    files = " ".join(f"{path}/tests" for path in terms.writes)
    programs = f"for p in {' '.join(terms.programs)}; do command -v $p; done"
    script = f"{programs}; touch {files}; rm {files}"
    with container(part, ports={}, entry="sh", command=["-ec", script]) as one:
        wait_for(f"{part} ends well", lambda: _ended(one), timeout=120)


def test_no_contract_is_without_a_test() -> None:
    tested = {"rabbitmq", "kafka", "keycloak", "object-storage", "oauth2-proxy", "python"}
    assert set(contracts()) == tested | {"cloud-provider-kind", "envoy"}


def _ended(of: Container) -> None:
    state = docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", of.name)
    assert state.strip() == "exited 0", f"{state}: {of.logs()}"
