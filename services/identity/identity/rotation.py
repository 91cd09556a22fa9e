"""Rotating the signing keys: the next key signs, the one before is retired, a new one waits; as the tables' owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, String, bindparam, func, insert, literal_column, select, text, update

from chassis.db.session import Database
from chassis.db.statements import Prepared
from identity.models import signing_keys

# How long a key has to be published before it signs: the gateways have been given it, and every process that keeps the
# published keys has read them again.
YOUNGEST = timedelta(minutes=3)

# Nobody else changes the keys meanwhile, not even a process that makes the first ones; who reads them does not wait.
_LOCK = Prepared(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))
_LIVING = Prepared(
    select(
        signing_keys.c.status,
        signing_keys.c.kid,
        signing_keys.c.created_at,
        func.clock_timestamp() - signing_keys.c.created_at,
    ).where(signing_keys.c.status != literal_column("'retired'"))
)
_kid = bindparam("of_kid", type_=String())
_RETIRE = Prepared(
    update(signing_keys)
    .where(signing_keys.c.kid == _kid)
    .values(status=literal_column("'retired'"), retired_at=func.clock_timestamp())
)
_ACTIVATE = Prepared(update(signing_keys).where(signing_keys.c.kid == _kid).values(status=literal_column("'active'")))
_COLUMNS = ("kid", "public_pem", "private_sealed")
_ADD = Prepared(
    insert(signing_keys).values(
        {name: bindparam(name, type_=signing_keys.c[name].type) for name in _COLUMNS}
        | {"status": literal_column("'next'")}
    )
)
# As if it had been retired so long ago that nobody could hold a token of it any more.
_LONG_AGO = literal_column("'epoch'::timestamptz", DateTime(timezone=True))
_REVOKE = Prepared(
    update(signing_keys)
    .where(signing_keys.c.kid == _kid, signing_keys.c.status == literal_column("'retired'"))
    .values(retired_at=_LONG_AGO)
)
_ALL = Prepared(
    select(
        signing_keys.c.kid,
        signing_keys.c.status,
        signing_keys.c.created_at,
        signing_keys.c.retired_at,
        signing_keys.c.retired_at == _LONG_AGO,
    ).order_by(signing_keys.c.created_at, signing_keys.c.kid)
)


class RotationRefused(Exception):
    """The keys are left as they are; the text says why."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The key that signed until now, the one that signs from now on, the one that comes after."""

    retired: str
    active: str
    next: str


def rotate(database: Database, new: Mapping[str, Any], *, force: bool = False) -> Rotation:
    """Let the next key sign and `new` wait. Raises RotationRefused.

    `force` lets a key sign that is so young that some do not know it yet: its tokens are refused until they do. Of two
    rotations at once one is made, forced or not.
    """
    before = _living(database.read(_LIVING, {}))
    with database.transaction() as session:
        session.run(_LOCK)
        keys = _living(session.fetch(_LIVING))
        active, following = keys["active"], keys["next"]
        if active.kid != before["active"].kid:
            raise RotationRefused("Somebody else has rotated the keys just now.")
        # Who knows the key that signs knows one that was published together with it: the first two are made so.
        if following.age < YOUNGEST and following.created_at > active.created_at and not force:
            wait = int((YOUNGEST - following.age).total_seconds()) + 1
            raise RotationRefused(
                f"The next key is only {int(following.age.total_seconds())} s old, and not everybody may know it yet; "
                f"try again in {wait} s."
            )
        session.run(_RETIRE, of_kid=active.kid)
        session.run(_ACTIVATE, of_kid=following.kid)
        session.run(_ADD, **new)
    return Rotation(retired=active.kid, active=following.kid, next=new["kid"])


def revoke(database: Database, kid: str) -> None:
    """Publish a retired key no longer, so that its tokens are worthless before they expire. Raises RotationRefused."""
    with database.transaction() as session:
        if session.run(_REVOKE, of_kid=kid) == 0:
            raise RotationRefused(f"There is no retired key {kid}; a key that signs, or will, has to be rotated first.")


def list_keys(database: Database) -> list[dict[str, Any]]:
    """Every key there ever was, the oldest first, without anything that is secret."""
    return [
        {
            "kid": kid,
            "status": "revoked" if revoked else status,
            "created_at": created_at.isoformat(),
            "retired_at": None if revoked else _text(retired_at),
        }
        for kid, status, created_at, retired_at, revoked in database.read(_ALL, {})
    ]


@dataclass(frozen=True, slots=True)
class _Living:
    kid: str
    created_at: datetime
    age: timedelta


def _living(rows: list[tuple[Any, ...]]) -> dict[str, _Living]:
    """The key that signs and the one that will, by status."""
    keys = {status: _Living(*rest) for status, *rest in rows}
    if keys.keys() != {"active", "next"}:
        raise RotationRefused("There are no keys to rotate yet; make them with: python -m identity.keys ensure")
    return keys


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
