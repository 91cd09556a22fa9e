"""Access tokens for tests: a factory of canonical ones, signed with a key of its own.

The rule that gateway and services share, in the words of the token's specification:

1. The request has exactly one Authorization header: the scheme `Bearer` in any case (RFC 9110 §11.1), exactly one
   space, the token, nothing else.
2. The token is at most 4096 bytes and has three parts separated by dots. Each part is canonical base64url: only
   `A-Z a-z 0-9 - _`, no padding, and the unused bits of its last character are zero (RFC 4648 §3.5), so that decoding
   and encoding it again gives the same part.
3. The decoded header and the decoded payload match the canonical form from first to last byte: members, order, types
   and ranges are fixed, there is no white space, no escape, no newline at the end, and no byte outside ASCII.
   `sub` and `company_id` are from 1 to 2^63 - 1.
4. `kid` names a known key, and the signature is RS256 by that key.
5. `exp` is greater than the current time; a token that expires now has expired.

`chassis.testing.token_battery` holds the cases that prove it.
"""

import base64
import json
import time
import uuid
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

LIFETIME_SECONDS = 600


def base64url(data: bytes) -> str:
    """Return `data` in base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(members: dict[str, Any]) -> bytes:
    """Return `members` as JSON in their order and without a space."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


class TokenFactory:
    """Signs tokens with an RSA key of 2048 bits that it makes when first asked; one per test session is enough."""

    def __init__(self, kid: str = "test-key-1") -> None:
        self.kid = kid

    @cached_property
    def private_key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def public_pem(self) -> str:
        """The public key as PEM, as the gateway and the JWKS cache know it."""
        key = self.private_key.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @cached_property
    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The public key as a JWK set (RFC 7517 §5)."""
        key = RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {"keys": [key | {"kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def header(self, **overrides: Any) -> dict[str, Any]:
        """Return the canonical header with `overrides`; what is overridden with None is left out."""
        return _override({"typ": "at+jwt", "alg": "RS256", "kid": self.kid}, overrides)

    def claims(self, **overrides: Any) -> dict[str, Any]:
        """Return the canonical claims of user 7 in company 42 with `overrides`; None leaves a claim out."""
        now = int(time.time())
        return _override(
            {
                "iss": "crm",
                "aud": "crm",
                "sub": "7",
                "company_id": 42,
                "role": "admin",
                "scope": "customers:read customers:write audit:read",
                "sid": str(uuid.uuid4()),
                "jti": str(uuid.uuid4()),
                "ver": 1,
                "iat": now,
                "exp": now + LIFETIME_SECONDS,
            },
            overrides,
        )

    def sign(self, **overrides: Any) -> str:
        """Return a signed token of the canonical claims with `overrides` (`sub="8"`, `exp=None` to leave it out)."""
        return self.sign_bytes(compact(self.header()), compact(self.claims(**overrides)))

    def sign_bytes(self, header: bytes, payload: bytes) -> str:
        """Return a token of exactly these bytes with a right RS256 signature."""
        return self.sign_text(f"{base64url(header)}.{base64url(payload)}")

    def sign_text(self, signing_input: str) -> str:
        """Return `signing_input` with the RS256 signature of exactly that text (RFC 7515 §5.1)."""
        signature = self.private_key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signing_input}.{base64url(signature)}"


def _override(members: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (members | overrides).items() if value is not None}
