"""Who calls: the access token checked again in every service, whatever the gateway said, and the route's permission."""

import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, TypeVar

import jwt

from chassis.errors import Forbidden, Unauthenticated
from chassis.web.keys import KeySet

PUBLIC = ""
ANYBODY = "*"
OF_THEIR_OWN = ":own"
LONGEST_TOKEN = 4096
CACHED_TOKENS = 10_000
LARGEST_ID = 2**63 - 1

# Only identity makes tokens, always in one form; anything else, though JSON parsers might read it the same or two
# parsers differently (a member twice, a number as text), is no token of ours. The gateway holds the same patterns.
_PART = re.compile(r"[A-Za-z0-9_-]+\Z")
_HEADER = re.compile(rb'\{"typ":"at\+jwt","alg":"RS256","kid":"([A-Za-z0-9_-]{1,64})"\}\Z')
_PAYLOAD = re.compile(
    rb'\{"iss":"([a-z0-9.:/-]{1,200})","aud":"([a-z0-9.:/-]{1,200})","sub":"([1-9][0-9]{0,18})","company_id":([1-9][0-9]{0,18}),'
    rb'"role":"([a-z_]{1,32})","scope":"([a-z:_ -]{0,2000})","sid":"([0-9a-f-]{36})","jti":"([0-9a-f-]{36})",'
    rb'"ver":([0-9]{1,9}),"iat":([0-9]{10}),"exp":([0-9]{10})\}\Z'
)

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as the token says: who, in which tenant, with which permissions, until when (Unix seconds)."""

    user_id: int
    company_id: int
    role: str
    permissions: frozenset[str]
    session_id: str
    expires_at: int


def require(permission: str) -> Callable[[View], View]:
    """Declare the permission that a route asks for, such as `customers:write`."""

    def declare(view: View) -> View:
        view.access = permission  # type: ignore[attr-defined]  # The application reads it when routes are registered.
        return view

    return declare


def public(view: View) -> View:
    """Declare that a route asks for no token."""
    view.access = PUBLIC  # type: ignore[attr-defined]  # See require.
    return view


def authenticated(view: View) -> View:
    """Declare that a route asks for a valid token and no particular permission."""
    view.access = ANYBODY  # type: ignore[attr-defined]  # See require.
    return view


def shows_key(authorization: str | None, key: str) -> bool:
    """Whether an Authorization header shows the key that opens an internal route; one without a key opens to nobody."""
    shown = (authorization or "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(shown, f"Bearer {key}".encode()) and key != ""


def check_permission(principal: Principal, permission: str) -> None:
    """Raise Forbidden unless the principal holds the permission, if only for records of their own (`x:read:own`)."""
    held = principal.permissions
    if permission != ANYBODY and permission not in held and permission + OF_THEIR_OWN not in held:
        raise Forbidden("permission_missing", f"This needs the permission {permission}.")


def own_only(principal: Principal, permission: str) -> bool:
    """Whether a route that asks for `permission` shows the principal only what is assigned to or created by them.

    Whoever may not read all records of a kind reaches none but their own, by whatever route: a write would answer what
    a read hides.
    """
    return permission != ANYBODY and permission.partition(":")[0] + ":read" not in principal.permissions


class TokenVerifier:
    """Verifies access tokens (RFC 9068, RFC 8725) and remembers the good ones until they expire.

    A token that was good is found again by its hash in about a microsecond; the signature costs fifty times that.
    """

    def __init__(self, keys: KeySet, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer.encode()
        self._audience = audience.encode()
        self._known: OrderedDict[bytes, Principal] = OrderedDict()
        self._lock = Lock()

    def verify(self, authorization: str | None) -> Principal:
        """The principal of an Authorization header. Raises Unauthenticated; Unavailable while no keys are to be had."""
        if not authorization:
            raise Unauthenticated(
                "missing_token", "This needs an access token.", headers={"WWW-Authenticate": "Bearer"}
            )
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("missing_token", "This needs a bearer token.", headers={"WWW-Authenticate": "Bearer"})
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        principal = self._known.get(digest)
        if principal is None:
            principal = self._check(token)
            with self._lock:
                self._known[digest] = principal
                if len(self._known) > CACHED_TOKENS:
                    self._known.popitem(last=False)
        if principal.expires_at <= time.time():
            with self._lock:
                self._known.pop(digest, None)
            raise _refused()
        return principal

    def _check(self, token: str) -> Principal:
        parts = token.split(".")
        if len(token) > LONGEST_TOKEN or len(parts) != 3 or not all(_PART.match(part) for part in parts):  # noqa: PLR2004
            raise _refused()
        try:
            decoded = [jwt.utils.base64url_decode(part) for part in parts]
        except ValueError:
            raise _refused() from None
        # Stray bits behind the last character would give one token several spellings (RFC 4648, 3.5).
        if [jwt.utils.base64url_encode(part).decode() for part in decoded] != parts:
            raise _refused()
        header = _HEADER.match(decoded[0])
        payload = _PAYLOAD.match(decoded[1])
        if header is None or payload is None:
            raise _refused()
        key = self._keys.find(header[1].decode())
        if key is None:
            raise _refused()
        try:
            jwt.PyJWS(algorithms=["RS256"]).decode_complete(token, key, algorithms=["RS256"])
        except jwt.InvalidTokenError:
            raise _refused() from None
        issuer, audience, user_id, company_id, role, scope, session_id, _, _, _, expires_at = payload.groups()
        if issuer != self._issuer or audience != self._audience:
            raise _refused()
        if int(user_id) > LARGEST_ID or int(company_id) > LARGEST_ID:
            raise _refused()
        return Principal(
            user_id=int(user_id),
            company_id=int(company_id),
            role=role.decode(),
            permissions=frozenset(scope.decode().split()),
            session_id=session_id.decode(),
            expires_at=int(expires_at),
        )


def _refused() -> Unauthenticated:
    """One answer for every fault: what exactly was wrong helps only whoever forged it."""
    return Unauthenticated(
        "invalid_token",
        "The access token is not valid or has expired.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
