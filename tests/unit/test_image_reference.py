"""Image references in pieces: every form that the catalog and a mirror can give."""

import pytest
from ansible.errors import AnsibleFilterError

from plugins.filter.image_reference import image_reference, missing_images

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("reference", "registry", "repository", "tag", "digest"),
    [
        ("docker.io/library/kong:3.9.1", "docker.io", "library/kong", "3.9.1", ""),
        (f"docker.io/library/kong:3.9.1@{DIGEST}", "docker.io", "library/kong", "3.9.1", DIGEST),
        (f"quay.io/a/b@{DIGEST}", "quay.io", "a/b", "", DIGEST),
        (
            f"localhost:5001/docker.io/library/kong:3.9.1@{DIGEST}",
            "localhost:5001",
            "docker.io/library/kong",
            "3.9.1",
            DIGEST,
        ),
        ("127.0.0.1:5001/kong:3", "127.0.0.1:5001", "kong", "3", ""),
        ("registry:5000/kong:3", "registry:5000", "kong", "3", ""),
        (
            "trackunit.local/python:3.13-0123456789ab",
            "trackunit.local",
            "python",
            "3.13-0123456789ab",
            "",
        ),
    ],
)
def test_pieces(reference: str, registry: str, repository: str, tag: str, digest: str) -> None:
    found = image_reference(reference)
    assert found == {
        "registry": registry,
        "repository": repository,
        "name": f"{registry}/{repository}",
        "tag": tag,
        "digest": digest,
        "version": "@".join(filter(None, (tag, digest))),
    }


@pytest.mark.parametrize(
    "reference",
    ["", "kong", "kong:3.9", "library/kong:3.9", "docker.io/Kong", "docker.io/k@sha256:1"],
)
def test_an_incomplete_reference_is_refused(reference: str) -> None:
    with pytest.raises(AnsibleFilterError, match="no complete image reference"):
        image_reference(reference)


def test_a_node_keeps_a_pulled_image_without_its_tag() -> None:
    made, pulled = "trackunit.local/python:3.13-0123456789ab", f"localhost:5001/q/kong:3@{DIGEST}"
    listings = [
        {"item": "one", "stdout_lines": [made, f"localhost:5001/q/kong@{DIGEST}"]},
        {"item": "two", "stdout_lines": [made, "localhost:5001/q/kong:3"]},
        {"item": "three", "stdout_lines": []},
    ]
    assert missing_images(listings, [made, pulled]) == [
        {"node": "two", "image": pulled},
        {"node": "three", "image": made},
        {"node": "three", "image": pulled},
    ]
