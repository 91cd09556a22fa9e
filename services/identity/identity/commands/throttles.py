"""Throttles: whoever is wrong too often waits longer and longer, and is never locked out for good."""

import hashlib
import math
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import LargeBinary, bindparam, extract, func, select, text

from chassis.context import current, tenant
from chassis.db.locks import try_lock_name
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import TooManyRequests
from identity import rules
from identity.models import login_throttles

_BINARY = bindparam("of_key", type_=LargeBinary)
# Two keys at most: an account's and a network address's. A lone one is asked for twice. clock_timestamp, because now()
# is from before a wait for a lock.
_WAIT = Prepared(
    select(func.max(extract("epoch", login_throttles.c.blocked_until - func.clock_timestamp()))).where(
        login_throttles.c.key.in_((_BINARY, bindparam("of_other", type_=LargeBinary))),
        login_throttles.c.blocked_until > func.clock_timestamp(),
    )
)
# One statement looks, counts and blocks, so that of many who guess at once only as many are counted, and answered, as
# would have been one after the other. Whoever comes while the key is blocked changes nothing and gets no row.
_COUNT = Prepared(
    text(
        """
        INSERT INTO login_throttles AS t (key, failures, blocked_until, updated_at)
        VALUES (
            :of_key, 1,
            clock_timestamp() + make_interval(secs => CASE WHEN :free < 1 THEN CAST(:shortest AS integer) ELSE 0 END),
            clock_timestamp()
        )
        ON CONFLICT (key) DO UPDATE SET updated_at = clock_timestamp(), (failures, blocked_until) = (
            SELECT n, clock_timestamp() + make_interval(secs => CASE WHEN n > :free
                THEN least(CAST(:longest AS integer), CAST(:shortest AS integer) * 2 ^ least(n - :free - 1, 20))
                ELSE 0 END)
            FROM (SELECT 1 + greatest(0, t.failures - CAST(floor(
                extract(epoch FROM clock_timestamp() - t.updated_at) / CAST(:forgiven_after AS integer)
            ) AS integer)) AS n) AS counted)
        WHERE t.blocked_until <= clock_timestamp()
        RETURNING t.failures
        """
    ).bindparams(_BINARY)
)
_FORGET = Prepared(
    text("DELETE FROM login_throttles WHERE key = :of_key AND blocked_until <= clock_timestamp()").bindparams(_BINARY)
)
_FORGET_AT_ONCE = Prepared(text("DELETE FROM login_throttles WHERE key = :of_key").bindparams(_BINARY))


@dataclass(frozen=True, slots=True)
class Throttle:
    """What is counted for somebody: `free` times without a delay, then `shortest` seconds, doubling up to `longest`.

    Every `forgiven_after` seconds one of the counted is forgiven.
    """

    key: bytes
    free: int
    shortest: int
    longest: int
    forgiven_after: int

    LONGEST: ClassVar[int] = 60


def of_account(email: str) -> Throttle:
    """Wrong passwords for an address, whether it is somebody's or not."""
    return Throttle(_key("account", rules.normal_address(email)), 3, 1, Throttle.LONGEST, 600)


def of_network() -> Throttle:
    """Wrong passwords from where the request comes from; many people may share it."""
    return Throttle(_key("network", rules.network_of(current().client_ip)), 20, 1, Throttle.LONGEST, 60)


def of_device(device: bytes) -> Throttle:
    """Wrong passwords from a device where their address was signed in before; strangers' guesses do not count there."""
    return Throttle(_key("device", device.hex()), 3, 1, Throttle.LONGEST, 600)


def of_acceptance(invitation_id: int) -> Throttle:
    """Wrong passwords of who has the letter of an invitation."""
    return Throttle(_key("acceptance", str(invitation_id)), 3, 1, Throttle.LONGEST, 600)


def of_session(session_id: int) -> Throttle:
    """Refreshes of a session, whose access tokens are good for ten minutes."""
    return Throttle(_key("session", str(session_id)), 30, 1, Throttle.LONGEST, 2)


def of_invitations(*, verified: bool) -> Throttle:
    """Letters that the tenant asks strangers to join it with: more of them once its people can be written to."""
    free, forgiven_after = (200, 20) if verified else (20, 180)
    return Throttle(_key("invitations", str(tenant())), free, 60, 3600, forgiven_after)


def of_requests() -> Throttle:
    """Letters that strangers ask for, by where the request comes from."""
    return Throttle(_key("requests", rules.network_of(current().client_ip)), 20, 1, Throttle.LONGEST, 60)


def of_letters(purpose: str, email: str) -> Throttle:
    """Letters to an address: one a minute."""
    return Throttle(_key(purpose, rules.normal_address(email)), 0, 60, 60, 60)


def of_password_changes(user_id: int) -> Throttle:
    """Changes of a password, right ones too: each takes two hashes from those who sign in."""
    return Throttle(_key("password", str(user_id)), 5, 1, Throttle.LONGEST, 600)


def take_turn(session: Session, name: str) -> None:
    """Be the only one in the tenant who does what goes by `name` until the transaction ends, or be refused."""
    if not try_lock_name(session, name):
        raise _too_many(1)


def refuse_blocked(session: Session, throttle: Throttle, other: Throttle | None = None) -> None:
    """Raise TooManyRequests while either is blocked. It counts nothing and costs one round trip."""
    row = session.fetch(_WAIT, of_key=throttle.key, of_other=(other or throttle).key)[0]
    if row[0] is not None:
        raise _too_many(math.ceil(row[0]))


def count(session: Session, throttle: Throttle) -> bool:
    """Count one more, and block from now on for as long as that calls for; False, and not counted, while blocked."""
    return bool(
        session.fetch(
            _COUNT,
            of_key=throttle.key,
            free=throttle.free,
            shortest=throttle.shortest,
            longest=throttle.longest,
            forgiven_after=throttle.forgiven_after,
        )
    )


def count_or_refuse(session: Session, *throttles: Throttle) -> None:
    """Count one more for each. Raises TooManyRequests where one is blocked.

    A guess that others overtook while its password was compared is refused here, and so tells nothing of the password.
    """
    for throttle in throttles:
        if not count(session, throttle):
            refuse_blocked(session, throttle)
            raise _too_many(1)


def forgive(session: Session, throttle: Throttle, other: Throttle) -> None:
    """Somebody was right: forget what was counted for `throttle`. Raises TooManyRequests while either is blocked."""
    session.run(_FORGET, of_key=throttle.key)
    refuse_blocked(session, throttle, other)


def lift(session: Session, throttle: Throttle) -> None:
    """Forget what was counted, blocked or not."""
    session.run(_FORGET_AT_ONCE, of_key=throttle.key)


def _key(kind: str, value: str) -> bytes:
    """Hashed, so that the table is no list of who tried to sign in from where."""
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()


def _too_many(seconds: int) -> TooManyRequests:
    seconds = max(1, seconds)
    detail = f"Too many attempts; try again in {seconds} s."
    return TooManyRequests("too_many_attempts", detail, headers={"Retry-After": str(seconds)})
