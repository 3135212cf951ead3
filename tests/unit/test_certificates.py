"""Given certificates are checked before anything changes; our own CA is replaced in steps."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from plugins.filter.certificate_problems import certificate_problems, covers
from tests.support.plays import ROOT, ansible_playbook

HOSTS = ["graphql.test", "storage.graphql.test", "login.graphql.test"]
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key(self) -> str:
        return self._key(serialization.NoEncryption())

    @property
    def locked_key(self) -> str:
        return self._key(serialization.BestAvailableEncryption(b"open"))

    def _key(self, encryption: serialization.KeySerializationEncryption) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        ).decode()


def issue(
    name: str,
    by: Pair | None = None,
    hosts: list[str] | None = None,
    days: tuple[int, int] = (-1, 90),
    lax: bool = False,
) -> Pair:
    """A certificate for ``hosts``, or of a CA without them; valid ``days`` from now."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = by.private.public_key() if by else private.public_key()
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("encipher_only", "decipher_only"),
        ),
        False,
    )
    ca = hosts is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False
        )
    )
    if not lax:
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True,
        )
    if hosts is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return Pair(builder.sign(by.private if by else private, hashes.SHA256()), private)


@pytest.fixture(scope="module")
def root() -> Pair:
    return issue("A root")


@pytest.fixture(scope="module")
def between(root: Pair) -> Pair:
    return issue("An intermediate", root)


@pytest.fixture(scope="module")
def leaf(between: Pair) -> Pair:
    return issue("graphql.test", between, HOSTS)


def test_a_good_certificate_is_taken(root: Pair, between: Pair, leaf: Pair) -> None:
    assert certificate_problems(leaf.pem + between.pem, leaf.key, root.pem, HOSTS) == []


def test_a_trusted_intermediate_will_do(between: Pair, leaf: Pair) -> None:
    assert certificate_problems(leaf.pem, leaf.key, between.pem, HOSTS) == []


def test_a_wildcard_stands_for_one_label(root: Pair) -> None:
    wide = issue("graphql.test", root, ["graphql.test", "*.graphql.test"])
    assert certificate_problems(wide.pem, wide.key, root.pem, HOSTS) == []
    assert not covers("*.graphql.test", "a.b.graphql.test")
    assert not covers("*.graphql.test", "graphql.test")


def only(problems: list[str], part: str) -> None:
    assert len(problems) == 1, problems
    assert part in problems[0]


def test_the_key_of_another_one_is_refused(root: Pair, between: Pair, leaf: Pair) -> None:
    chain = leaf.pem + between.pem
    only(certificate_problems(chain, root.key, root.pem, HOSTS), "of another certificate")
    only(certificate_problems(chain, leaf.locked_key, root.pem, HOSTS), "passphrase")
    only(certificate_problems(chain, "nonsense", root.pem, HOSTS), "no private key")


def test_a_missing_host_is_named(root: Pair) -> None:
    narrow = issue("graphql.test", root, HOSTS[:2])
    problems = certificate_problems(narrow.pem, narrow.key, root.pem, HOSTS)
    only(problems, "lacks login.graphql.test")


@pytest.mark.parametrize(("days", "said"), [((-9, -2), "expired on"), ((2, 9), "not valid before")])
def test_the_wrong_time_is_told(root: Pair, days: tuple[int, int], said: str) -> None:
    late = issue("graphql.test", root, HOSTS, days)
    only(certificate_problems(late.pem, late.key, root.pem, HOSTS), said)


def test_an_expired_link_of_the_chain_is_told(root: Pair) -> None:
    old = issue("An old intermediate", root, days=(-9, -2))
    leaf = issue("graphql.test", old, HOSTS)
    only(certificate_problems(leaf.pem + old.pem, leaf.key, root.pem, HOSTS), "An old intermediate")


def test_a_chain_with_a_gap_is_told(root: Pair, leaf: Pair) -> None:
    problems = certificate_problems(leaf.pem, leaf.key, root.pem, HOSTS)
    only(problems, "was issued by CN=An intermediate")


def test_what_only_a_strict_client_refuses_is_told() -> None:
    """A CA that does not say that it may sign: Go takes it, Python 3.13 does not."""
    root = issue("A lax root", lax=True)
    leaf = issue("graphql.test", root, HOSTS)
    problems = certificate_problems(leaf.pem, leaf.key, root.pem, HOSTS)
    only(problems, "a strict client refuses it: CA cert does not include key usage extension")


def test_what_is_no_certificate_is_told(root: Pair, leaf: Pair) -> None:
    only(certificate_problems("nonsense", leaf.key, root.pem, HOSTS), "not in PEM form")
    only(certificate_problems(leaf.pem, leaf.key, "", HOSTS), "no certificate in PEM form")


def play(folder: Path, *files: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run tasks files of the role on this machine, without a cluster."""
    tasks = [
        {
            "name": f"Run {file}",
            "ansible.builtin.include_role": {
                "name": "trackunit.platform.certificates",
                "tasks_from": file,
            },
        }
        for file in files
    ]
    (folder / "play.json").write_text(
        json.dumps([{"name": "Try", "hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    )
    given = {
        "platform_domain": "graphql.test",
        "platform_state_dir": str(folder),
        "certificates_provider": "own",
    } | settings
    return ansible_playbook(
        "-v",
        f"--inventory={ROOT / 'inventory' / 'local'}",
        folder / "play.json",
        f"--extra-vars={json.dumps(given)}",
    )


def made(folder: Path, **settings: Any) -> str:
    done = play(folder, "own", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def trusted(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((folder / "ca.crt").read_bytes())


def shown(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "edge.crt").read_bytes())


def good(folder: Path) -> None:
    """A client that trusts ca.crt takes the certificate that the door shows."""
    text = [(folder / name).read_text() for name in ("edge.crt", "edge.key", "ca.crt")]
    assert certificate_problems(*text, HOSTS) == []


def test_the_ca_is_replaced_while_both_are_trusted(tmp_path: Path) -> None:
    made(tmp_path)
    (old,), first = trusted(tmp_path), shown(tmp_path)
    made(tmp_path, certificates_rotate="ca")
    new, kept = trusted(tmp_path)
    assert kept == old
    assert shown(tmp_path) == first
    good(tmp_path)
    # Clients learn of the new CA first; an ordinary run changes nothing meanwhile.
    assert "changed=0" in made(tmp_path)
    refused = play(tmp_path, "own", certificates_rotate="old-ca")
    assert refused.returncode != 0
    assert "is still needed" in refused.stdout
    made(tmp_path, certificates_rotate="edge")
    second = shown(tmp_path)
    assert second != first
    second.verify_directly_issued_by(new)
    assert trusted(tmp_path) == [new, old]
    good(tmp_path)
    made(tmp_path, certificates_rotate="old-ca")
    assert trusted(tmp_path) == [new]
    good(tmp_path)
    assert "changed=0" in made(tmp_path)


def test_a_run_that_stopped_after_the_new_key_is_repeated(tmp_path: Path) -> None:
    made(tmp_path)
    (old,) = trusted(tmp_path)
    (tmp_path / "ca.key").write_text(issue("another").key)
    made(tmp_path)
    new, kept = trusted(tmp_path)
    assert (new != old, kept) == (True, old)
    good(tmp_path)


def test_every_service_that_verifies_tokens_learns_of_a_new_ca(tmp_path: Path) -> None:
    """Which ones do is in their descriptions, and nowhere else."""
    described = {
        name: {"name": name, "connections": {connection: "why"}}
        for name, connection in (("svc-one", "identity"), ("svc-two", "rabbitmq"))
    }
    done = play(
        tmp_path,
        "check_rotation",
        certificates_rotate="ca",
        platform_service_descriptions=described,
    )
    assert done.returncode == 0, done.stdout
    told = done.stdout.partition("certificates_users")[2].split()
    assert told[1:7] == ["-", "certificates", "-", "oauth2_proxy", "-", "svc_one"]


@pytest.mark.parametrize("name", ["ca", "edge"])
def test_what_was_not_made_here_is_not_signed_over(tmp_path: Path, root: Pair, name: str) -> None:
    made(tmp_path)
    theirs = root if name == "ca" else issue("graphql.test", root, HOSTS)
    (tmp_path / f"{name}.crt").write_text(theirs.pem)
    (tmp_path / f"{name}.key").write_text(theirs.key)
    done = play(tmp_path, "own")
    assert done.returncode != 0
    assert f"{name}.crt was not made here" in " ".join(done.stdout.split())
    assert "certificates_provider: files" in " ".join(done.stdout.split())
    assert (tmp_path / f"{name}.crt").read_text() == theirs.pem


def test_given_files_are_checked_before_anything_changes(
    tmp_path: Path, root: Pair, between: Pair, leaf: Pair
) -> None:
    files = {
        "certificates_edge_certificate_file": tmp_path / "theirs.crt",
        "certificates_edge_key_file": tmp_path / "theirs.key",
        "certificates_trusted_file": tmp_path / "root.crt",
    }
    given = {"certificates_provider": "files"} | {key: str(file) for key, file in files.items()}
    done = play(tmp_path, "check", **given)
    assert done.returncode != 0
    assert "certificates_edge_key_file names no file" in done.stdout
    texts = [leaf.pem + between.pem, leaf.key, root.pem]
    for file, text in zip(files.values(), texts, strict=True):
        file.write_text(text)
    done = play(tmp_path, "check", **given)
    assert done.returncode == 0, done.stdout
    files["certificates_edge_key_file"].write_text(between.key)
    done = play(tmp_path, "check", **given)
    assert done.returncode != 0
    assert "of another certificate" in done.stdout
    assert "PRIVATE KEY" not in done.stdout
