"""Access tokens for tests."""

import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


class TokenFactory:
    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.kid = "test"

    def sign(self, **overrides: object) -> str:
        now = int(time.time())
        claims = {
            "iss": "crm",
            "aud": "crm",
            "sub": "7",
            "company_id": 1,
            "role": "admin",
            "scope": "customers:read",
            "sid": str(uuid.uuid4()),
            "jti": str(uuid.uuid4()),
            "ver": 1,
            "iat": now,
            "exp": now + 600,
        } | overrides
        return jwt.encode(
            claims, self.key, algorithm="RS256", headers={"typ": "at+jwt", "kid": self.kid}, sort_headers=False
        )

    def jwks(self) -> dict[str, object]:
        return {
            "keys": [
                {
                    **RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True),
                    "kid": self.kid,
                    "use": "sig",
                    "alg": "RS256",
                }
            ]
        }
