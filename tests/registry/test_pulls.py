"""What a play says of a registry that breaks off a layer, serves another, or lacks an image."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.containers import docker

ROOT = Path(__file__).resolve().parents[2]
GO_ON = 'make up ARGS="-e supply=packages"'


@pytest.fixture(scope="module")
def registry() -> str:
    """The stand-in's registry, as the engine reaches it."""
    return os.environ["TRACKUNIT_STAND_IN_REGISTRY"]


@pytest.fixture
def image(registry: str, tmp_path: Path) -> Iterator[str]:
    """An image in the registry whose only layer no node has, by its digest."""
    (tmp_path / "content").write_bytes(os.urandom(300_000))
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY content /content\n")
    name = f"{registry}/tests/pulled"
    tagged = f"{name}:{uuid.uuid4().hex[:8]}"
    docker("build", "--quiet", "--tag", tagged, str(tmp_path))
    try:
        docker("push", "--quiet", tagged)
        (inspected,) = json.loads(docker("image", "inspect", tagged))
        yield next(found for found in inspected["RepoDigests"] if found.startswith(f"{name}@"))
    finally:
        docker("image", "rm", tagged, check=False)


def layer(image: str) -> Path:
    """The file in which the registry keeps the image's layer."""
    blobs = Path(os.environ["TRACKUNIT_STAND_IN_BLOBS"])

    def blob(digest: str) -> Path:
        content = digest.removeprefix("sha256:")
        return blobs / content[:2] / content / "data"

    manifest = json.loads(blob(image.partition("@")[2]).read_text(encoding="utf-8"))
    return blob(manifest["layers"][0]["digest"])


def pull(image: str) -> tuple[int, str]:
    """Bring the image to the nodes; the play's exit code and what it said, in one line."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            str(ROOT / "tests" / "registry" / "pull.yml"),
            "--extra-vars",
            json.dumps({"platform_name": os.environ["TRACKUNIT_PLATFORM"], "pull_image": image}),
        ],
        cwd=ROOT,
        # Molecule asks for colours, whose codes would stand between the words.
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "false", "ANSIBLE_NOCOLOR": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: content[: len(content) // 2], "unexpected EOF"),
        (lambda content: os.urandom(len(content)), "unexpected commit digest"),
    ],
    ids=["half a layer", "another layer"],
)
def test_a_spoiled_layer_is_told_and_the_same_command_goes_on(
    image: str, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    file = layer(image)
    content = file.read_bytes()
    file.write_bytes(spoil(content))
    code, said = pull(image)
    assert code != 0
    assert f"could not pull {image}:" in said
    assert reason in said
    assert GO_ON in said
    file.write_bytes(content)
    code, said = pull(image)
    assert code == 0, said


def test_a_digest_that_is_gone_is_told(registry: str) -> None:
    gone = f"{registry}/docker.io/library/gone:1@sha256:{'0a' * 32}"
    code, said = pull(gone)
    assert code != 0
    assert f"could not pull {gone}:" in said
    assert "not found" in said
    assert GO_ON in said
