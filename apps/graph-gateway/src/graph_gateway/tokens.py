"""Who is calling: bearer tokens, verified here whatever stands in front."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import jwt

ALGORITHMS = ("RS256", "ES256")
MAX_TOKEN_CHARACTERS = 16_384


class AuthenticationError(Exception):
    """No token, or one that is not accepted. The text names no part of the token."""

    def __init__(self, reason: str, *, missing: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.missing = missing


class UnknownKeyError(Exception):
    """The issuer has no key of that id."""


class KeysUnavailableError(Exception):
    """The issuer's keys were never loaded, so nothing can be said about any token."""


class Keys(Protocol):
    def key(self, key_id: str) -> jwt.PyJWK: ...


@dataclass(frozen=True)
class Principal:
    subject: str
    expires_at: float
    scopes: frozenset[str] = field(default_factory=frozenset)


class TokenVerifier:
    def __init__(
        self, keys: Keys, *, issuer: str, audience: str, scope: str, leeway: float = 30.0
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = [part.strip() for part in audience.split(",") if part.strip()]
        # Entra ID is asked for api://<app id>/<scope>; its tokens carry the last part.
        self._scope = scope.rsplit("/", 1)[-1]
        self._leeway = leeway

    def in_scope(self, principal: Principal) -> bool:
        return self._scope in principal.scopes

    def from_header(self, authorization: str | None) -> Principal:
        """The caller of a request with this ``Authorization`` header."""
        if not authorization or not authorization.strip():
            raise AuthenticationError("A bearer token is required.", missing=True)
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthenticationError("The Authorization header is not a bearer token.")
        return self.verify(token.strip())

    def verify(self, token: str) -> Principal:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise AuthenticationError("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            # Checked before the key is looked up: a token nobody could accept must not cost a
            # request to the issuer.
            if header.get("alg") not in ALGORITHMS:
                raise AuthenticationError("The token's algorithm is not accepted.")
            key = self._keys.key(str(header.get("kid", "")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except UnknownKeyError:
            raise AuthenticationError("The token's key is not known to the issuer.") from None
        except jwt.ExpiredSignatureError:
            raise AuthenticationError("The token has expired.") from None
        except jwt.ImmatureSignatureError:
            raise AuthenticationError("The token is not valid yet.") from None
        except jwt.InvalidAudienceError:
            raise AuthenticationError("The token is for another audience.") from None
        except jwt.InvalidIssuerError:
            raise AuthenticationError("The token is from another issuer.") from None
        except jwt.InvalidSignatureError:
            raise AuthenticationError("The token's signature is wrong.") from None
        except (jwt.PyJWTError, ValueError):
            raise AuthenticationError("The token is malformed.") from None
        if not claims["sub"]:
            raise AuthenticationError("The token names no subject.")
        return Principal(
            subject=str(claims["sub"]),
            expires_at=float(claims["exp"]) + self._leeway,
            scopes=_scopes(claims.get("scp")),
        )


def _scopes(claim: Any) -> frozenset[str]:
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, list):
        return frozenset(str(item) for item in claim)
    return frozenset()
