"""Pure decisions: what a role may do, which passwords are taken, how tokens look and when a refresh token is good."""

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from chassis.errors import FieldError, Invalid

ROLES = ("super_admin", "admin", "manager", "sales_rep", "user")
COMPANY_STATUSES = ("active", "inactive", "suspended")
COMPANY_SIZES = ("Small", "Medium", "Large")
MEMBER_STATUSES = ("active", "suspended", "deactivated")
INVITATION_STATUSES = ("pending", "accepted", "withdrawn")
TOKEN_PURPOSES = ("verify_email", "reset_password", "invitation")
MAIL_STATUSES = ("pending", "sent", "failed")
KEY_STATUSES = ("active", "next", "retired")

_EVERYTHING = frozenset({"customers:read", "customers:write", "audit:read", "companies:read", "users:read"})
_SELLING = frozenset({"customers:read", "customers:write", "companies:read", "users:read"})
SCOPES: Mapping[str, frozenset[str]] = {
    "super_admin": _EVERYTHING,
    "admin": _EVERYTHING,
    "manager": _EVERYTHING,
    "sales_rep": _SELLING,
    "user": frozenset({"customers:read"}),
}

ACCESS_TOKEN_LIFE = timedelta(minutes=10)
REFRESH_IDLE = timedelta(days=14)
SESSION_LIFE = timedelta(days=90)
LOST_ANSWER_WINDOW = timedelta(seconds=20)

# As seed A has it for customers; LDH domain, no quoted local parts.
EMAIL_PATTERN = r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$"

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 72  # bcrypt reads no further; bytes, not characters.
PASSWORD_POINTER = "/user/password"  # noqa: S105  # A place in a document, not a password.


def permissions_of(role: str, custom: Mapping[str, Sequence[str]] | None) -> frozenset[str]:
    """What `role` may do in a company, with the member's own `grant` added and `revoke` taken away.

    A revoke beats a grant. A grant of what no role has is ignored: a permission that no service knows would only
    lengthen every token.
    """
    custom = custom or {}
    granted = _EVERYTHING & set(custom.get("grant", ()))
    return frozenset((SCOPES[role] | granted) - set(custom.get("revoke", ())))


def scope_of(permissions: frozenset[str]) -> str:
    """The `scope` of a token (RFC 6749, 3.3): sorted, so that equal permissions make equal texts."""
    return " ".join(sorted(permissions))


def password_bytes(password: str) -> bytes | None:
    """What bcrypt gets to see, or None when it could not tell it from another password.

    NFC, because keyboards disagree on how to write an accent. bcrypt stops at 72 bytes and, in C, at a NUL; a lone
    surrogate has no bytes at all.
    """
    try:
        encoded = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        return None
    return None if len(encoded) > LONGEST_PASSWORD or b"\0" in encoded else encoded


def check_new_password(password: str, pointer: str = PASSWORD_POINTER) -> bytes:
    """The bytes to hash. Raises Invalid with the reason. Length is the only demand (NIST SP 800-63B, 5.1.1.2)."""
    if len(unicodedata.normalize("NFC", password)) < SHORTEST_PASSWORD:
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
        "exp": issued_at + int(ACCESS_TOKEN_LIFE.total_seconds()),
    }


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
