"""Signing keys: made and sealed here, kept in the database, cached in the process. Run as `python -m identity.keys`."""

import hashlib
import hmac
import sys
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import jwt
import orjson
import psycopg
import structlog
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import Interval, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from chassis.config import SHORTEST_SECRET, SettingsError, exit_with
from chassis.db.session import Database
from chassis.db.statements import Prepared
from chassis.errors import Unavailable
from chassis.mail import MailSettings
from identity import rotation
from identity.models import signing_keys
from identity.passwords import AT_ONCE, COSTS, Passwords
from identity.rules import ACCESS_TOKEN_LIFE

ALGORITHM = "RS256"
TOKEN_TYPE = "at+jwt"  # noqa: S105  # The media type of RFC 9068, not a secret.
BITS = 2048
REFRESH_SECONDS = 15.0
RETRY_SECONDS = 5.0  # A connection attempt may take three seconds, and every request would wait for it.
THREADS_FOR_OTHERS = 4
# A retired key is published until the last token that it signed has expired and every cached signer has noticed.
AFTERLIFE = ACCESS_TOKEN_LIFE + timedelta(minutes=5)

_LIVE = Prepared(
    select(signing_keys.c.kid, signing_keys.c.status, signing_keys.c.public_pem, signing_keys.c.private_sealed)
    .where(
        or_(
            signing_keys.c.status != "retired",
            signing_keys.c.retired_at > func.now() - bindparam("afterlife", AFTERLIFE, Interval()),
        )
    )
    .order_by(signing_keys.c.created_at, signing_keys.c.kid)
)
_COLUMNS = ("kid", "status", "public_pem", "private_sealed")
_ADD = Prepared(
    insert(signing_keys)
    .values({name: bindparam(name, type_=signing_keys.c[name].type) for name in _COLUMNS})
    .on_conflict_do_nothing(index_elements=["status"], index_where=text("status <> 'retired'"))
)

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class IdentitySettings(MailSettings):
    """What identity is told beyond what every service is. Its worker signs nothing and is not given the key."""

    key_encryption_key: str = ""
    # Opens /internal/revocations to the gateways' agents; without it nobody gets in.
    gateway_agent_key: str = ""
    bcrypt_cost: int = 12
    # More than other services have: who waits for a password's hash keeps a thread waiting.
    web_threads: int = 16


@dataclass(frozen=True, slots=True)
class Signer:
    """The private key that signs now."""

    kid: str
    private: rsa.RSAPrivateKey

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The token in its canonical form: members in the given order, no spaces (RFC 7515, compact serialization)."""
        headers = {"typ": TOKEN_TYPE, "alg": ALGORITHM, "kid": self.kid}
        return jwt.encode(dict(claims), self.private, algorithm=ALGORITHM, headers=headers, sort_headers=False)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    signer: Signer
    public: Mapping[str, str]
    verifying: Mapping[str, rsa.RSAPublicKey]
    jwks: bytes
    read_at: float


class SigningKeys:
    """The live keys, read from the database every 15 seconds: a rotation reaches every process without a restart."""

    def __init__(self, database: Database, sealer: Fernet) -> None:
        self._database = database
        self._sealer = sealer
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None

    def signer(self) -> Signer:
        """The key that signs now. Raises Unavailable when none was ever made."""
        return self._current().signer

    def public(self) -> Mapping[str, str]:
        """The public PEM of every live key by its kid."""
        return self._current().public

    def find(self, kid: str) -> rsa.RSAPublicKey | None:
        """The live public key with this id, or None."""
        return self._current().verifying.get(kid)

    def jwks(self) -> bytes:
        """The live public keys as a JWK Set (RFC 7517, 5)."""
        return self._current().jwks

    def ensure(self) -> None:
        """Make the key that signs and the one that will sign next, unless they exist.

        The next key is published from the start, so that every verifier knows it long before a token carries its kid.
        """
        present = {status for _, status, _, _ in self._database.read(_LIVE, {})}
        missing = {status: new_key(self._sealer) for status in ("active", "next") if status not in present}
        if missing:
            # In one transaction, so that both are known to have been published together (see identity.rotation).
            with self._database.transaction() as session:
                for status, row in missing.items():
                    session.run(_ADD, status=status, **row)

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        if snapshot is not None and time.monotonic() - snapshot.read_at < REFRESH_SECONDS:
            return snapshot
        with self._lock:
            if self._snapshot is not snapshot and self._snapshot is not None:
                return self._snapshot
            try:
                self._snapshot = self._read()
            except psycopg.Error:
                if snapshot is None:
                    raise
                # Keys change a few times a year: yesterday's serve until the database answers again.
                log.warning("signing_keys_not_refreshed")
                self._snapshot = replace(snapshot, read_at=time.monotonic() - REFRESH_SECONDS + RETRY_SECONDS)
            return self._snapshot

    def _read(self) -> _Snapshot:
        rows = self._database.read(_LIVE, {})
        sealed = next(((kid, private) for kid, status, _, private in rows if status == "active"), None)
        if sealed is None:
            raise Unavailable("no_signing_key", "This service has no signing key yet.", headers={"Retry-After": "10"})
        try:
            private = serialization.load_pem_private_key(self._sealer.decrypt(sealed[1]), password=None)
        except InvalidToken:
            raise SettingsError(["KEY_ENCRYPTION_KEY does not open the signing key in this database"]) from None
        assert isinstance(private, rsa.RSAPrivateKey)
        public = {kid: pem for kid, _, pem, _ in rows}
        verifying = {kid: _public_key(pem) for kid, pem in public.items()}
        jwks = orjson.dumps({"keys": [_jwk(kid, key) for kid, key in verifying.items()]})
        return _Snapshot(Signer(sealed[0], private), public, verifying, jwks, time.monotonic())


@dataclass(frozen=True, slots=True)
class Authority:
    """All that it takes to sign somebody in: who issues, for whom, with which keys, at which cost of a guess."""

    issuer: str
    audience: str
    keys: SigningKeys
    passwords: Passwords
    app_url: str
    # Signs what known devices are given.
    device_key: bytes


def make_authority(settings: IdentitySettings, database: Database) -> Authority:
    """The process's authority. Raises SettingsError when a key or the cost cannot be used."""
    if 0 < len(settings.gateway_agent_key) < SHORTEST_SECRET:
        raise SettingsError([f"GATEWAY_AGENT_KEY is shorter than {SHORTEST_SECRET} characters"])
    keys = SigningKeys(database, sealer(settings))
    # A key of its own, so that no signature of one purpose is good for another.
    device_key = hmac.digest(settings.key_encryption_key.encode(), b"devices", "sha256")
    return Authority(
        settings.token_issuer, settings.token_audience, keys, _passwords(settings), settings.app_url, device_key
    )


def sealer(settings: IdentitySettings) -> Fernet:
    """What seals private keys at rest, so that a copy of the database signs nothing."""
    if not settings.key_encryption_key:
        raise SettingsError(["KEY_ENCRYPTION_KEY is not set (nor KEY_ENCRYPTION_KEY_FILE)"])
    try:
        return Fernet(settings.key_encryption_key)
    except ValueError:
        raise SettingsError(["KEY_ENCRYPTION_KEY is not a Fernet key (32 bytes in URL-safe base64)"]) from None


def _passwords(settings: IdentitySettings) -> Passwords:
    if settings.bcrypt_cost not in COSTS:
        raise SettingsError([f"BCRYPT_COST is not between {COSTS.start} and {COSTS.stop - 1}"])
    # As many threads as another service has in all are left to requests that hash nothing.
    waiting = max(settings.web_threads - THREADS_FOR_OTHERS - AT_ONCE, 0)
    return Passwords(settings.bcrypt_cost, waiting=waiting)


def new_key(sealer: Fernet) -> dict[str, Any]:
    """A row of a key that nobody has seen yet, its private part sealed."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return {
        "kid": thumbprint(private.public_key()),
        "public_pem": _public_pem(private.public_key()),
        "private_sealed": sealer.encrypt(_private_pem(private)),
    }


def thumbprint(key: rsa.RSAPublicKey) -> str:
    """The key's name, made from the key itself (RFC 7638), so that no two keys ever share a kid."""
    members = RSAAlgorithm.to_jwk(key, as_dict=True)
    canonical = orjson.dumps({name: members[name] for name in ("e", "kty", "n")})
    return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def _public_key(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def _jwk(kid: str, key: rsa.RSAPublicKey) -> dict[str, Any]:
    members = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {"kty": "RSA", "use": "sig", "alg": ALGORITHM, "kid": kid, "n": members["n"], "e": members["e"]}


def _public_pem(key: rsa.RSAPublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


USAGE = """usage: python -m identity.keys <command>

  ensure            make the first keys, where there are none
  public            print the live public keys as {kid: PEM}, for the gateway
  list              print every key with its status
  rotate [--force]  let the next key sign and make a new one (as the owner); --force for one that is too young
  revoke <kid>      take a retired key out of the published ones before its tokens expire (as the owner)"""
TRY_LATER = 75  # sysexits.h: EX_TEMPFAIL


def main(arguments: list[str]) -> None:
    """Run one command on the keys; leaves with 75 and a sentence when they are to be left as they are."""
    match arguments:
        case ["ensure"] | ["public"] | ["list"]:
            owner = False
        case ["rotate"] | ["rotate", "--force"] | ["revoke", _]:
            owner = True
        case _:
            raise SystemExit(USAGE)
    try:
        required = ("key_encryption_key", "owner_database_url") if owner else ("key_encryption_key",)
        settings = IdentitySettings.from_environment(required=required)
        url = settings.owner_database_url if owner else settings.database_url
        _run(arguments, Database(url, application_name="identity-keys"), sealer(settings))
    except SettingsError as error:
        exit_with(error)
    except rotation.RotationRefused as refused:
        sys.stderr.write(f"{refused}\n")
        raise SystemExit(TRY_LATER) from None


def _run(arguments: list[str], database: Database, own_sealer: Fernet) -> None:
    answer: object = None
    match arguments:
        case ["ensure" | "public" as command]:
            keys = SigningKeys(database, own_sealer)
            if command == "ensure":
                keys.ensure()
            answer = dict(keys.public())
        case ["list"]:
            answer = rotation.list_keys(database)
        case ["rotate", *force]:
            answer = rotation.rotate(database, new_key(own_sealer), force=bool(force))
        case ["revoke", kid]:
            rotation.revoke(database, kid)
    if answer is not None:
        sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE).decode())
    database.dispose()


if __name__ == "__main__":
    main(sys.argv[1:])
