"""Pure decisions: what a role may do, which passwords are taken, how tokens look and when a refresh token is good."""

import hashlib
import hmac
import ipaddress
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from importlib.resources import files
from typing import Any

from chassis.errors import FieldError, Invalid

_DATA = tomllib.loads(files("identity").joinpath("roles.toml").read_text())
PERMISSIONS: Mapping[str, str] = _DATA["permissions"]
OWN: Mapping[str, str] = _DATA["own"]
ROLE_ENTRIES: dict[str, dict[str, Any]] = _DATA["roles"]
ROLES = tuple(ROLE_ENTRIES)
PLATFORM_ROLE = "super_admin"
COMPANY_ROLES = tuple(role for role in ROLES if role != PLATFORM_ROLE)
API_KEY_ROLE = "api_key"
VISIBILITIES = ("all", "own")
DUPLICATE_ACTIONS = ("allow", "warn", "block")
MOST_FREE_MAIL_DOMAINS = 100
COMPANY_STATUSES = ("active", "inactive", "suspended")
COMPANY_SIZES = ("Small", "Medium", "Large")
MEMBER_STATUSES = ("active", "suspended", "deactivated")
# The records that a member may leave behind, by kind: what a transfer plan is about.
TRANSFERABLE = ("customers", "leads", "deals", "tasks")
INVITATION_STATUSES = ("pending", "accepted", "withdrawn")
TOKEN_PURPOSES = ("verify_email", "reset_password", "invitation")
LOGIN_ATTEMPTS = ("sign_in_failed", "password_forgotten")
KEY_STATUSES = ("active", "next", "retired")

ACCESS_TOKEN_LIFE = timedelta(minutes=10)
API_KEY_LIFE = timedelta(days=90)
LONGEST_API_KEY_LIFE = timedelta(days=365)
API_KEY_PREFIX_LENGTH = 12
API_KEY_PREFIX = re.compile(rf"[a-z0-9]{{{API_KEY_PREFIX_LENGTH}}}\Z")
REFRESH_IDLE = timedelta(days=14)
SESSION_LIFE = timedelta(days=90)
LOST_ANSWER_WINDOW = timedelta(seconds=20)
DEVICE_LIFE = timedelta(days=180)

VERIFICATION_LIFE = timedelta(days=3)
RESET_LIFE = timedelta(hours=1)
INVITATION_LIFE = timedelta(days=7)
RESEND_AFTER = timedelta(minutes=1)

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 72  # bcrypt reads no further; bytes, not characters.
# No character is made of more than four, so nothing longer than this becomes short enough. It is not even tried:
# putting accents into order takes the square of their number, which for a body of 1 MiB of them is minutes.
LONGEST_SPELLING = 4 * LONGEST_PASSWORD
PASSWORD_POINTER = "/user/password"  # noqa: S105  # A place in a document, not a password.


def _held_by(role: str) -> frozenset[str]:
    entry = ROLE_ENTRIES[role]
    included = _held_by(entry["includes"]) if "includes" in entry else frozenset()
    return frozenset(entry["permissions"]) | included


SCOPES: Mapping[str, frozenset[str]] = {role: _held_by(role) for role in ROLES}
GRANTABLE = frozenset(PERMISSIONS) - set(_DATA["fixed"]["permissions"])
KEY_SCOPES = (frozenset(PERMISSIONS) - set(_DATA["keyless"]["permissions"])) | set(OWN.values())
_FOLLOWS_VISIBILITY = {role for role, entry in ROLE_ENTRIES.items() if entry.get("follows_visibility")}


def permissions_of(role: str, custom: Mapping[str, Sequence[str]] | None, visibility: str = "all") -> frozenset[str]:
    """What `role` may do in a company, with the member's own `grant` added and `revoke` taken away.

    Where `visibility` is "own", the roles that follow it read only what is the member's own; a grant of the whole
    permission lifts that for one member. A revoke beats a grant and takes the narrowed permission too. Both are ignored
    where they name what is nobody's to give, or what no service knows and would only lengthen every token.
    """
    custom = custom or {}
    held = SCOPES[role]
    if visibility == "own" and role in _FOLLOWS_VISIBILITY:
        held = frozenset(OWN.get(permission, permission) for permission in held)
    held |= GRANTABLE & set(custom.get("grant", ()))
    revoked = GRANTABLE & set(custom.get("revoke", ()))
    held -= revoked | _own(revoked)
    return held - _own(held)


def _own(permissions: Iterable[str]) -> frozenset[str]:
    """The narrowed forms of those of `permissions` that have one."""
    return frozenset(OWN[permission] for permission in permissions if permission in OWN)


def is_within_reach(held: frozenset[str], role: str, custom: Mapping[str, Sequence[str]] | None) -> bool:
    """Whether a `role` with `custom` permissions does no more than who holds `held`, under any visibility.

    A role that follows the visibility is narrowed wherever its giver is. One that does not reads all records, so who
    sees no more than their own can neither give it nor take it from anybody.
    """
    return permissions_of(role, custom, "own") <= held | _own(held)


def may_grant(granter: frozenset[str], role: str, custom: Mapping[str, Sequence[str]] | None) -> bool:
    """Whether who holds the permissions `granter` may make somebody a `role` with `custom` permissions.

    Nobody gives what they do not have, and the platform's role is no company's to give. A grant is judged by itself
    even if a revoke beats it today, because the revoke may go without anybody looking at the grant again.
    """
    if role not in COMPANY_ROLES:
        return False
    granted = set((custom or {}).get("grant", ()))
    return granted <= GRANTABLE and SCOPES[role] | granted <= granter


def key_permissions(scopes: Iterable[str], held: frozenset[str]) -> frozenset[str]:
    """What an API key with `scopes` may do while the member who made it holds `held`: never more than they themselves.

    A key is narrowed with its member: who reads only what is their own has keys that read no more.
    """
    wanted = KEY_SCOPES & set(scopes)
    allowed = wanted & (held | _own(held)) | _own(wanted) & held
    return allowed - _own(allowed)


def scope_of(permissions: frozenset[str]) -> str:
    """The `scope` of a token (RFC 6749, 3.3): sorted, so that equal permissions make equal texts."""
    return " ".join(sorted(permissions))


def password_bytes(password: str) -> bytes | None:
    """What bcrypt gets to see, or None when it could not tell it from another password.

    NFC, because keyboards disagree on how to write an accent. bcrypt stops at 72 bytes and, in C, at a NUL; a lone
    surrogate has no bytes at all.
    """
    if len(password) > LONGEST_SPELLING:
        return None
    try:
        encoded = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        return None
    return None if len(encoded) > LONGEST_PASSWORD or b"\0" in encoded else encoded


def check_new_password(password: str, pointer: str = PASSWORD_POINTER) -> bytes:
    """The bytes to hash. Raises Invalid with the reason. Length is the only demand (NIST SP 800-63B, 5.1.1.2)."""
    if len(password) <= LONGEST_SPELLING and len(unicodedata.normalize("NFC", password)) < SHORTEST_PASSWORD:
        raise _refused(pointer, "password_too_short", f"A password has at least {SHORTEST_PASSWORD} characters.")
    encoded = password_bytes(password)
    if encoded is not None:
        return encoded
    if "\0" in password or any("\ud800" <= character <= "\udfff" for character in password):
        raise _refused(pointer, "password_invalid", "A password is made of characters; NUL and surrogates are none.")
    detail = f"A password has at most {LONGEST_PASSWORD} bytes in UTF-8; letters with accents take two, emoji four."
    raise _refused(pointer, "password_too_long", detail)


def _refused(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(code, detail, errors=[FieldError(pointer, code, detail)])


def claims_of(
    *,
    issuer: str,
    audience: str,
    user_id: int,
    company_id: int,
    role: str,
    scope: str,
    session_id: str,
    token_id: str,
    epoch: int,
    now: datetime,
    life: timedelta = ACCESS_TOKEN_LIFE,
) -> dict[str, Any]:
    """The claims of an access token in their canonical order; gateway and services compare them byte for byte."""
    issued_at = int(now.timestamp())
    return {
        "iss": issuer,
        "aud": audience,
        "sub": str(user_id),
        "company_id": company_id,
        "role": role,
        "scope": scope,
        "sid": session_id,
        "jti": token_id,
        "ver": epoch,
        "iat": issued_at,
        "exp": issued_at + int(life.total_seconds()),
    }


def normal_address(email: str) -> str:
    """An e-mail address as it is compared: in small letters, and with what no account's address can hold replaced.

    Without that, letters that fold to ASCII ones (the Kelvin sign, the dotted capital I) would spell one account's
    address in many ways, each with guesses of its own.
    """
    return email.encode("ascii", "replace").decode().lower()


def network_of(address: str | None) -> str:
    """Whom a network address stands for: itself, or the /64 that an IPv6 subscriber has to choose addresses from."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))


def token_hash(token: str) -> bytes:
    """What is stored of a refresh token. It has 256 random bits, so a fast hash cannot be searched."""
    return hashlib.sha256(token.encode()).digest()


def successor_of(token: str, nonce: bytes) -> bytes:
    """The bits of the token that follows `token`: known to who has the token and the row, and to neither alone."""
    return hmac.digest(token.encode(), nonce, "sha256")


class Refresh(Enum):
    """What becomes of a refresh token that is shown to us."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    EXPIRED = "expired"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class RefreshState:
    """A refresh token, its session and its successor as they stand under the session's lock."""

    now: datetime
    session_ends: datetime
    ended_at: datetime | None
    expires_at: datetime
    used_at: datetime | None
    successor_used_at: datetime | None


def judge_refresh(state: RefreshState) -> Refresh:
    """Decide over a refresh token.

    A used token gives its successor again for a few seconds, because the answer may have been lost or two tabs asked
    at once; once the successor was used the answer had arrived, so whoever shows the old token is not its owner.
    """
    if state.ended_at is not None or state.session_ends <= state.now:
        return Refresh.EXPIRED
    if state.used_at is None:
        return Refresh.ROTATE if state.now < state.expires_at else Refresh.EXPIRED
    if state.successor_used_at is None and state.now - state.used_at <= LOST_ANSWER_WINDOW:
        return Refresh.REPEAT
    return Refresh.REUSED
