"""Says what is wrong with a certificate that somebody gives to the front door."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )
except ImportError as error:
    # Said where it is used: its documentation is for somebody without cryptography, too.
    MISSING: ImportError | None = error
else:
    MISSING = None

DOCUMENTATION = r"""
name: certificate_problems
short_description: What is wrong with a given certificate
version_added: 0.3.0
author: The Trackunit platform maintainers (@trackunit)
description:
  - Takes a certificate with its chain, its key and the certificates that clients trust, and returns
    one sentence for each reason why a client would refuse it. Nothing is wrong when the list is
    empty.
  - The key is never part of a sentence.
options:
  _input:
    description: The certificate in PEM form, followed by those of its chain.
    type: str
    required: true
  key:
    description: The certificate's private key in PEM form, without a passphrase.
    type: str
    required: true
  trusted:
    description: Certificates of the CAs that clients trust, in PEM form.
    type: str
    required: true
  hosts:
    description: The names under which clients call.
    type: list
    elements: str
    required: true
requirements: [cryptography]
"""

EXAMPLES = r"""
- name: Refuse a certificate that no client would take
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('\n') }}"
  vars:
    problems: >-
      {{ lookup('ansible.builtin.file', 'edge.crt')
         | trackunit.platform.certificate_problems(key=lookup('ansible.builtin.file', 'edge.key'),
                                                   trusted=lookup('ansible.builtin.file', 'ca.crt'),
                                                   hosts=['graphql.example.com']) }}
"""

RETURN = r"""
_value:
  description: One sentence for each reason.
  type: list
  elements: str
"""


def _certificates(text: str) -> list[x509.Certificate]:
    """The certificates of a PEM text; none where it holds none."""
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return []


def _public(key: Any) -> bytes:
    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def _names(certificate: x509.Certificate) -> list[str]:
    """The host names that the certificate is for, in small letters."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def covers(name: str, host: str) -> bool:
    """Whether a certificate's name is for the host; ``*`` stands for one whole label (RFC 9525)."""
    label, _, rest = host.lower().partition(".")
    return name == host.lower() or (bool(label) and name == f"*.{rest}")


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _called(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "one without a name"


def _wrong_key(leaf: x509.Certificate, key: str) -> list[str]:
    try:
        private = load_pem_private_key(key.encode(), password=None)
    except TypeError:
        return ["the key has a passphrase, which nobody could type in: give one without"]
    except ValueError:
        return ["the key is no private key in PEM form"]
    if _public(private.public_key()) != _public(leaf.public_key()):
        return ["the key is of another certificate: give the two that were made together"]
    return []


def _wrong_time(certificate: x509.Certificate, now: datetime) -> list[str]:
    if certificate.not_valid_after_utc <= now:
        return [f"{_called(certificate)} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"]
    if certificate.not_valid_before_utc > now:
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%d}"
        return [f"{_called(certificate)} is not valid before {begins}"]
    return []


def _wrong_chain(
    leaf: x509.Certificate,
    chain: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    now: datetime,
) -> list[str]:
    last, left = leaf, list(chain)
    while last not in trusted:
        root = next((found for found in trusted if _issued(last, found)), None)
        if root is not None:
            return _wrong_time(root, now)
        issuer = next((found for found in left if _issued(last, found)), None)
        if issuer is None:
            return [
                f"{_called(last)} was issued by {last.issuer.rfc4514_string()}, which is in "
                "neither file: add an intermediate one to the certificate's file, and a root to "
                "that of the trusted ones"
            ]
        wrong = _wrong_time(issuer, now)
        if wrong:
            return wrong
        left.remove(issuer)
        last = issuer
    return []


def _refused(certificate: str, key: str, trusted: str, host: str) -> list[str]:
    """What a client that keeps to RFC 5280 says, as Python from 3.13 on does."""
    client = ssl.create_default_context(cadata=trusted)
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module takes files only; nobody else may enter this folder.
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "pair.pem"
        both.write_text(f"{certificate.rstrip()}\n{key}", encoding="utf-8")
        server.load_cert_chain(both)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(to_client, to_server, server_hostname=host)
    answers = server.wrap_bio(to_server, to_client, server_side=True)
    # Each turn hands on what the other has said; TLS 1.3 needs two.
    for _ in range(4):
        for side in (asks, answers):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return [
                    f"a strict client refuses it: {error.verify_message}. graph-gateway is one: "
                    "have the certificate, or its CA's, made anew with that"
                ]
    return []


def certificate_problems(
    certificate: str, key: str, trusted: str, hosts: Sequence[str]
) -> list[str]:
    """Sentences that say why clients would refuse ``certificate``; see DOCUMENTATION."""
    if MISSING:
        raise AnsibleFilterError(f"certificate_problems needs cryptography: {MISSING}") from MISSING
    found, roots = _certificates(certificate), _certificates(trusted)
    wrong = []
    if not found:
        wrong.append("the certificate is not in PEM form")
    if not roots:
        wrong.append("the file of the trusted ones holds no certificate in PEM form")
    if wrong:
        return wrong
    leaf, chain = found[0], found[1:]
    now = datetime.now(UTC)
    names = _names(leaf)
    missing = [host for host in hosts if not any(covers(name, host) for name in names)]
    if missing:
        wrong.append(
            f"the certificate is for {', '.join(names) or 'no host name'}, "
            f"and lacks {', '.join(missing)}"
        )
    wrong += _wrong_key(leaf, key)
    wrong += _wrong_time(leaf, now) or _wrong_chain(leaf, chain, roots, now)
    return wrong or _refused(certificate, key, trusted, hosts[0])


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"certificate_problems": certificate_problems}
