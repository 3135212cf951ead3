"""Who owns a correlation id, answered from the id itself.

A correlation id is a UUID version 8 (RFC 9562) made of 62 random bits and a 60-bit tag, and the tag
is an HMAC over the random bits and the owner. Any replica that holds the key can tell whether an
event belongs to a user, with no shared store, and peers need only pass the id on.
"""

import hashlib
import hmac
import secrets
import uuid

_NONCE_BITS = 62
_TAG_BITS = 60


def mint(key: bytes, owner: str) -> str:
    """Make a fresh correlation id that belongs to ``owner`` (the token's ``sub``)."""
    nonce = secrets.randbits(_NONCE_BITS)
    tag = _tag(key, nonce, owner)
    value = (tag >> 12) << 80 | 0x8 << 76 | (tag & 0xFFF) << 64 | 0b10 << 62 | nonce
    return str(uuid.UUID(int=value))


def owns(key: bytes, correlation_id: str, owner: str) -> bool:
    """Say whether ``correlation_id`` was minted with this key for this owner."""
    try:
        parsed = uuid.UUID(correlation_id)
    except (ValueError, AttributeError, TypeError):
        return False
    if parsed.version != 8 or parsed.variant != uuid.RFC_4122:
        return False
    claimed = (parsed.int >> 80) << 12 | (parsed.int >> 64) & 0xFFF
    nonce = parsed.int & ((1 << _NONCE_BITS) - 1)
    size = (_TAG_BITS + 7) // 8
    return hmac.compare_digest(
        claimed.to_bytes(size, "big"), _tag(key, nonce, owner).to_bytes(size, "big")
    )


def _tag(key: bytes, nonce: int, owner: str) -> int:
    if not key:
        raise ValueError("the correlation key is empty")
    digest = hmac.new(key, nonce.to_bytes(8, "big") + owner.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _TAG_BITS)
