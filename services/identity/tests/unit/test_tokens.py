"""The canonical form of access tokens: what the gateway and every service compare byte for byte."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from chassis.events import new_id
from identity import rules
from identity.keys import Signer, thumbprint

HEADER = re.compile(rb'\{"typ":"at\+jwt","alg":"RS256","kid":"[A-Za-z0-9_-]{1,64}"\}')
PAYLOAD = re.compile(
    rb'\{"iss":"crm","aud":"crm","sub":"[1-9][0-9]{0,18}","company_id":[1-9][0-9]{0,18},"role":"[a-z_]{1,32}",'
    rb'"scope":"[a-z:_ -]{0,2000}","sid":"[0-9a-f-]{36}","jti":"[0-9a-f-]{36}","ver":[0-9]{1,9},"iat":[0-9]{10},'
    rb'"exp":[0-9]{10}\}'
)


@pytest.fixture(scope="module")
def private() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def token_of(private: rsa.RSAPrivateKey) -> Any:
    def sign(role: str, user_id: int = 7, company_id: int = 42) -> Any:
        claims = rules.claims_of(
            issuer="crm",
            audience="crm",
            user_id=user_id,
            company_id=company_id,
            role=role,
            scope=rules.scope_of(rules.permissions_of(role, None)),
            session_id=new_id(),
            token_id=new_id(),
            epoch=1,
            now=datetime.now(UTC),
        )
        return Signer(thumbprint(private.public_key()), private).sign(claims)

    return sign


def part(text: str) -> Any:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("role", rules.ROLES)
@pytest.mark.parametrize("number", [1, 2**63 - 1])
def test_tokens_of_every_role_have_the_canonical_form(token_of: Callable[..., Any], role: str, number: int) -> None:
    token = token_of(role, user_id=number, company_id=number)
    header, payload, _ = token.split(".")
    assert HEADER.fullmatch(part(header))
    assert PAYLOAD.fullmatch(part(payload))
    assert len(token) <= 4096


def test_a_token_is_good_for_ten_minutes_under_its_key(
    token_of: Callable[..., Any], private: rsa.RSAPrivateKey
) -> None:
    claims = jwt.decode(token_of("admin"), private.public_key(), algorithms=["RS256"], audience="crm", issuer="crm")
    assert claims["exp"] - claims["iat"] == 600
    assert claims["sub"] == "7"


def test_a_kid_is_made_from_its_key(private: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert thumbprint(private.public_key()) == thumbprint(private.public_key())
    assert thumbprint(private.public_key()) != thumbprint(other.public_key())
