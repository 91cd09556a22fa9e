"""The battery of access tokens, good and bad, that gateway and services must judge alike; tokens.py has the rule."""

import hashlib
import hmac
import re
import string
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from chassis.testing.tokens import TokenFactory, base64url, compact

_DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Case:
    """What a request's Authorization header says, and whether the request may pass."""

    name: str
    authorization: Callable[[TokenFactory], str]
    accepted: bool = False

    def __str__(self) -> str:
        return self.name


def battery() -> list[Case]:
    """Return every case; names are unique. Good tokens are good for at least five seconds from when they are made."""
    return [
        *_good(),
        *_schemes(),
        *_headers(),
        *_signatures(),
        *_claims(),
        *_payload_texts(),
        *_encodings(),
    ]


def _token(name: str, make: Callable[[TokenFactory], str], *, accepted: bool = False) -> Case:
    return Case(name, lambda factory: f"Bearer {make(factory)}", accepted)


def _claim(name: str, *, accepted: bool = False, **overrides: Any) -> Case:
    return _token(name, lambda factory: factory.sign(**overrides), accepted=accepted)


def _header(name: str, **overrides: Any) -> Case:
    """A token with a right RS256 signature under another header."""
    return _token(
        name, lambda factory: factory.sign_bytes(compact(factory.header(**overrides)), compact(factory.claims()))
    )


def _header_text(name: str, edit: Callable[[str], str]) -> Case:
    return _token(
        name,
        lambda factory: factory.sign_bytes(
            edit(compact(factory.header()).decode()).encode(), compact(factory.claims())
        ),
    )


def _payload_text(name: str, edit: Callable[[str], str], encoding: str = "utf-8") -> Case:
    return _token(
        name,
        lambda factory: factory.sign_bytes(
            compact(factory.header()), edit(compact(factory.claims()).decode()).encode(encoding)
        ),
    )


def _good() -> Iterator[Case]:
    yield _claim("valid", accepted=True)
    yield Case("scheme_in_lower_case", lambda factory: f"bearer {factory.sign()}", accepted=True)
    yield Case("scheme_in_upper_case", lambda factory: f"BEARER {factory.sign()}", accepted=True)
    yield _claim("largest_ids", sub=str(_LARGEST_ID), company_id=_LARGEST_ID, accepted=True)
    yield _claim("ids_of_18_digits", sub="9" * 18, company_id=10**18 - 1, accepted=True)
    yield _claim("scope_empty", scope="", accepted=True)
    yield _claim("scope_of_2000_characters", scope="a" * 2000, accepted=True)
    yield _claim("largest_exp_and_ver", exp=9_999_999_999, ver=999_999_999, accepted=True)
    yield _token("expires_in_five_seconds", lambda factory: factory.sign(exp=int(time.time()) + 6), accepted=True)
    # Parts whose lengths leave no, two and four unused bits: the canonical spelling of each is good.
    for rest in range(3):
        yield _token(f"payload_with_{rest}_bytes_beyond_threes", partial(_of_rest, rest=rest), accepted=True)


def _schemes() -> Iterator[Case]:
    yield Case("scheme_alone", lambda _: "Bearer")
    yield Case("token_empty", lambda _: "Bearer ")
    yield Case("scheme_missing", lambda factory: factory.sign())
    yield Case("scheme_basic", lambda factory: f"Basic {factory.sign()}")
    yield Case("scheme_longer", lambda factory: f"Bearerx {factory.sign()}")
    yield Case("two_spaces", lambda factory: f"Bearer  {factory.sign()}")
    yield Case("tab_instead_of_space", lambda factory: f"Bearer\t{factory.sign()}")
    yield Case("no_space", lambda factory: f"Bearer{factory.sign()}")
    yield Case("text_after_token", lambda factory: f"Bearer {factory.sign()} x")
    yield Case("two_credentials", lambda factory: f"Bearer {factory.sign()}, Bearer {factory.sign()}")
    yield Case("quoted", lambda factory: f'Bearer "{factory.sign()}"')


def _headers() -> Iterator[Case]:
    yield _token("alg_none_without_signature", lambda factory: _unsigned(factory, "none"))
    yield _token("alg_none_in_mixed_case", lambda factory: _unsigned(factory, "nOnE"))
    yield _header("alg_none_with_signature", alg="none")
    yield _header("alg_in_lower_case", alg="rs256")
    yield _token("alg_hs256_keyed_with_public_pem", _hmac_with_public_key)
    yield _token("alg_rs256_with_hmac_signature", lambda factory: _hmac_with_public_key(factory, "RS256"))
    yield _token("alg_rs384", lambda factory: _rsa(factory, "RS384", padding.PKCS1v15(), hashes.SHA384()))
    yield _token("alg_rs512", lambda factory: _rsa(factory, "RS512", padding.PKCS1v15(), hashes.SHA512()))
    yield _token("alg_ps256", lambda factory: _rsa(factory, "PS256", _PSS, hashes.SHA256()))
    yield _token("alg_rs256_with_pss_signature", lambda factory: _rsa(factory, "RS256", _PSS, hashes.SHA256()))
    yield _token("alg_rs256_with_sha1", lambda factory: _rsa(factory, "RS256", padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303 - It must be refused.
    yield _token("alg_es256", _elliptic)
    for algorithm in ("ES256", "ES384", "ES512", "PS256", "EdDSA", ""):
        yield _header(f"alg_claims_{algorithm or 'nothing'}", alg=algorithm)
    for member in ("typ", "alg", "kid"):
        yield _header(f"header_without_{member}", **{member: None})
    yield _header("kid_unknown", kid="nobody")
    yield _header("kid_empty", kid="")
    yield _header("kid_climbs_folders", kid="../../../../dev/null")
    yield _header("kid_with_quote", kid="' or 1=1 --")
    yield _header("kid_a_number", kid=1)
    yield _header("typ_jwt", typ="JWT")
    yield _header("typ_in_upper_case", typ="AT+JWT")
    yield _header("typ_refresh", typ="rt+jwt")
    yield _header("crit", crit=["exp"])
    yield _header("crit_unencoded_payload", crit=["b64"], b64=False)
    yield _header("jku", jku="https://attacker.example/jwks.json")
    yield _header("x5u", x5u="https://attacker.example/cert.pem")
    yield _header("x5c", x5c=["MIIB"])
    yield _token("jwk_of_the_signer", _own_jwk)
    yield _header("zip", zip="DEF")
    yield _header("cty_nested", cty="JWT")
    yield _header_text("header_reordered", lambda text: re.sub(r'("typ":"[^"]+"),("alg":"[^"]+")', r"\2,\1", text))
    yield _header_text("header_with_space", lambda text: text.replace(",", ", "))
    yield _header_text("header_alg_twice", lambda text: text.replace('"alg":', '"alg":"none","alg":'))
    yield _header_text("header_kid_twice", lambda text: text.replace('"kid":', '"kid":"nobody","kid":'))
    yield _header_text("header_escaped_name", lambda text: text.replace('"alg"', '"\\u0061lg"'))
    yield _header_text("header_newline_at_end", lambda text: text + "\n")
    yield _header_text("header_nul_at_end", lambda text: text + "\0")


def _signatures() -> Iterator[Case]:
    yield _token("other_key_under_known_kid", lambda factory: _stranger(factory.kid).sign())
    yield _token("other_key_under_own_kid", lambda _: _stranger("other").sign())
    yield _token("signature_stripped", lambda factory: factory.sign().rpartition(".")[0])
    yield _token("signature_empty", lambda factory: factory.sign().rpartition(".")[0] + ".")
    yield _token("signature_of_another_token", _swapped)
    yield _token("signature_of_zeros", lambda factory: _resigned(factory, lambda signature: "A" * len(signature)))
    yield _token("signature_longer", lambda factory: factory.sign() + "AAAA")
    yield _token("signature_shorter", lambda factory: factory.sign()[:-4])
    yield _token("signature_padded", lambda factory: factory.sign() + "==")
    yield _token("signature_with_stray_bits", lambda factory: _resigned(factory, _stray_bits))
    yield _token("signature_in_other_alphabet", _other_alphabet)
    yield _token("company_changed_after_signing", _tampered)
    yield _token("token_truncated", lambda factory: factory.sign()[:100])
    yield _token("four_parts", lambda factory: factory.sign() + ".AAAA")
    yield _token("five_parts", lambda factory: factory.sign() + ".AAAA.AAAA")
    yield _token("dots_alone", lambda _: "..")
    yield _token("nested", _nested)
    yield _claim("longer_than_4096", scope="a" * 3000)
    yield _token("much_longer_than_4096", lambda factory: factory.sign() + "A" * 8000)


def _claims() -> Iterator[Case]:
    for name in ("iss", "aud", "sub", "company_id", "role", "scope", "sid", "jti", "ver", "iat", "exp"):
        yield _token(f"{name}_missing", partial(_without, name))
        yield _payload_text(f"{name}_null", partial(re.sub, rf'("{name}":)("[^"]*"|[0-9]+)', r"\1null"))
    yield _token("expired", lambda factory: factory.sign(exp=int(time.time()) - 1))
    yield _token("expires_now", lambda factory: factory.sign(exp=int(time.time())))
    yield _token("exp_a_string", lambda factory: factory.sign(exp=str(int(time.time()) + 60)))
    yield _token("exp_a_float", lambda factory: factory.sign(exp=time.time() + 60))
    yield _token("exp_in_milliseconds", lambda factory: factory.sign(exp=int(time.time() * 1000)))
    yield _payload_text("exp_with_exponent", lambda text: re.sub(r'"exp":[0-9]+', '"exp":9e12', text))
    wrong: dict[str, list[Any]] = {
        "iss": ["", "CRM", "other", "crm ", ["crm"]],
        "aud": ["", "other", ["crm"], ["crm", "other"]],
        "sub": ["", "0", "-1", "07", "+7", " 7", "7 ", "7a", str(2**63), "9" * 19, "1" * 20, "\u0667", 7, 7.0, ["7"]],
        "company_id": ["42", 0, -1, 42.0, 2**63, 10**19 - 1, 10**20, True, [42], {"a": 42}],
        "role": ["", "Admin", "admin user", "a" * 33, ["admin"]],
        "scope": ["Customers:read", "customers:read\n", "*", "a" * 2001, ["customers:read"]],
        "sid": ["", "1", "A" * 36, 1],
        "jti": ["", "1", "a" * 37, 1],
        "ver": ["1", -1, 1.0, 10**9, True],
        "iat": ["1700000000", -1, 1.5, 10**10, True],
        "exp": [0, -1, -9_999_999_999, 10**10, 10**30, True, [9_999_999_999]],
    }
    for name, values in wrong.items():
        for number, value in enumerate(values):
            yield _claim(f"{name}_wrong_{number}", **{name: value})
    yield _payload_text("company_id_with_leading_zero", lambda text: text.replace(":42,", ":042,"))
    yield _payload_text("company_id_with_exponent", lambda text: text.replace(":42,", ":42e0,"))
    yield _claim("extra_claim", nbf=1)
    yield _payload_text("extra_claim_first", lambda text: '{"nbf":1,' + text[1:])


def _payload_texts() -> Iterator[Case]:
    for name, bad in (("company_id", "43"), ("sub", '"8"'), ("exp", "1000000000"), ("iss", '"x"')):
        yield _payload_text(f"{name}_twice_bad_first", partial(re.sub, f'"{name}":', f'"{name}":{bad},"{name}":'))
        yield _payload_text(f"{name}_twice_bad_last", partial(re.sub, "}$", f',"{name}":{bad}}}'))
    yield _payload_text("escaped_member_name", lambda text: text.replace('"sub"', '"\\u0073ub"'))
    yield _payload_text("escaped_value", lambda text: text.replace('"admin"', '"\\u0061dmin"'))
    yield _payload_text("member_name_in_upper_case", lambda text: text.replace('"sub"', '"SUB"'))
    yield _payload_text(
        "claims_reordered", lambda text: text.replace('"iss":"crm","aud":"crm"', '"aud":"crm","iss":"crm"')
    )
    yield _payload_text("space_after_comma", lambda text: text.replace(',"aud"', ', "aud"'))
    yield _payload_text("space_before", lambda text: " " + text)
    yield _payload_text("space_at_end", lambda text: text + " ")
    yield _payload_text("newline_at_end", lambda text: text + "\n")
    yield _payload_text("newline_before", lambda text: "\n" + text)
    yield _payload_text("nul_at_end", lambda text: text + "\0")
    yield _payload_text("nul_and_claims_at_end", lambda text: text + "\0" + text.replace(":42,", ":43,"))
    yield _payload_text("nul_before", lambda text: "\0" + text)
    yield _payload_text("nul_inside", lambda text: text.replace("admin", "ad\0min"))
    yield _payload_text("two_objects", lambda text: text + text)
    yield _payload_text("array_of_claims", lambda text: f"[{text}]")
    yield _payload_text("comment", lambda text: text + "//")
    yield _payload_text("byte_order_mark", lambda text: "\ufeff" + text)
    yield _payload_text("utf_16", lambda text: text, "utf-16")
    yield _payload_text("full_width_digits", lambda text: text.replace(":42,", ":\uff14\uff12,"))
    yield _payload_text("text_of_no_object", lambda _: "42")
    yield _payload_text("payload_empty", lambda _: "")


def _encodings() -> Iterator[Case]:
    def payload_encoded(edit: Callable[[str], str], rest: int = 1) -> Callable[[TokenFactory], str]:
        def make(factory: TokenFactory) -> str:
            header, payload, _ = _of_rest(factory, rest).split(".")
            return factory.sign_text(f"{header}.{edit(payload)}")

        return make

    yield _token("payload_padded", payload_encoded(lambda payload: payload + "=="))
    yield _token("payload_with_stray_bits", payload_encoded(_stray_bits))
    yield _token("payload_with_two_stray_bits", payload_encoded(_stray_bits, rest=2))
    yield _token("payload_with_character_too_many", payload_encoded(lambda payload: payload + "A", rest=0))
    yield _token("payload_with_percent", payload_encoded(lambda payload: payload[:-1] + "%3D"))
    yield _token("payload_with_other_character", payload_encoded(lambda payload: payload[:8] + "+" + payload[8:]))
    yield _token("header_padded", lambda factory: _header_encoded(factory, lambda header: header + "="))


_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


@cache
def _stranger(kid: str) -> TokenFactory:
    return TokenFactory(kid)


def _signing_input(factory: TokenFactory, algorithm: str, **members: Any) -> str:
    header = factory.header(alg=algorithm, **members)
    return f"{base64url(compact(header))}.{base64url(compact(factory.claims()))}"


def _unsigned(factory: TokenFactory, algorithm: str) -> str:
    return _signing_input(factory, algorithm) + "."


def _hmac_with_public_key(factory: TokenFactory, algorithm: str = "HS256") -> str:
    text = _signing_input(factory, algorithm)
    return f"{text}.{base64url(hmac.digest(factory.public_pem.encode(), text.encode(), hashlib.sha256))}"


def _rsa(
    factory: TokenFactory, algorithm: str, scheme: padding.PKCS1v15 | padding.PSS, digest: hashes.HashAlgorithm
) -> str:
    text = _signing_input(factory, algorithm)
    return f"{text}.{base64url(factory.private_key.sign(text.encode(), scheme, digest))}"


def _elliptic(factory: TokenFactory) -> str:
    text = _signing_input(factory, "ES256")
    key = ec.generate_private_key(ec.SECP256R1())
    return f"{text}.{base64url(key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))[:64])}"


def _own_jwk(factory: TokenFactory) -> str:
    other = _stranger(factory.kid)
    return other.sign_bytes(compact(other.header(jwk=other.jwks["keys"][0])), compact(other.claims()))


def _without(claim: str, factory: TokenFactory) -> str:
    return factory.sign(**{claim: None})


def _swapped(factory: TokenFactory) -> str:
    return f"{factory.sign().rpartition('.')[0]}.{factory.sign(sub='8').rpartition('.')[2]}"


def _resigned(factory: TokenFactory, edit: Callable[[str], str]) -> str:
    text, _, signature = factory.sign().rpartition(".")
    return f"{text}.{edit(signature)}"


def _other_alphabet(factory: TokenFactory) -> str:
    """A good token in the alphabet of RFC 4648 §4, one whose signature differs in it."""
    token = factory.sign()
    while not {"-", "_"} & set(token.rpartition(".")[2]):
        token = factory.sign()
    return token.replace("-", "+").replace("_", "/")


def _tampered(factory: TokenFactory) -> str:
    header, _, signature = factory.sign().split(".")
    return f"{header}.{base64url(compact(factory.claims(company_id=43)))}.{signature}"


def _nested(factory: TokenFactory) -> str:
    return factory.sign_bytes(compact(factory.header()), factory.sign().encode())


def _header_encoded(factory: TokenFactory, edit: Callable[[str], str]) -> str:
    header, payload, _ = factory.sign().split(".")
    return factory.sign_text(f"{edit(header)}.{payload}")


def _of_rest(factory: TokenFactory, rest: int) -> str:
    """A good token whose payload has `rest` bytes beyond a multiple of three."""
    tokens = (factory.sign(role="a" * length) for length in range(1, 4))
    return next(token for token in tokens if len(token.split(".")[1]) % 4 == (0, 2, 3)[rest])


def _stray_bits(part: str) -> str:
    """The same bytes spelt otherwise: the lowest of the last character's unused bits is set."""
    return part[:-1] + _DIGITS[_DIGITS.index(part[-1]) + 1]
