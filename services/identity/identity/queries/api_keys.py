"""API keys: as the company sees them, and as a sign-in does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, bindparam, column, func, select

from chassis.db.kinds import INTEGER, TEXT, TIMESTAMP
from chassis.db.listing import Listing
from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.events import SOURCE
from identity.models import api_keys
from identity.views import API_KEY

API_KEYS = Listing(
    API_KEY,
    filters={
        "id": INTEGER,
        "name": TEXT,
        "prefix": TEXT,
        "user_id": INTEGER,
        "expires_at": TIMESTAMP,
        "last_used_at": TIMESTAMP,
        "revoked_at": TIMESTAMP,
        "created_at": TIMESTAMP,
    },
    sorts=("created_at", "id"),
    default={"revoked_at": api_keys.c.revoked_at.is_(None)},
)

# Without a tenant yet: see the function in migration 0002.
_BY_PREFIX = Prepared(
    select(*(column(name) for name in ("company_id", "api_key_id", "user_id", "secret_hash"))).select_from(
        func.find_api_key(bindparam("prefix", type_=Text)).table_valued(
            "company_id", "api_key_id", "user_id", "secret_hash"
        )
    )
)
RECORDS = Records(API_KEY, source=SOURCE, noun="API key")
_STATE = Prepared(
    select(
        api_keys.c.prefix,
        api_keys.c.scopes,
        api_keys.c.sid,
        api_keys.c.expires_at,
        api_keys.c.revoked_at,
        func.clock_timestamp(),
    ).where(*RECORDS.this)
)


@dataclass(frozen=True, slots=True)
class FoundKey:
    """Whose a prefix is, and what its secret must hash to."""

    company_id: int
    id: int
    user_id: int
    secret_hash: bytes


@dataclass(frozen=True, slots=True)
class KeyState:
    """What a key is good for now."""

    prefix: str
    scopes: Sequence[str]
    sid: str
    expires_at: datetime | None
    revoked_at: datetime | None
    now: datetime


def find_api_key(session: Session, prefix: str) -> FoundKey | None:
    """The key with this prefix, of any tenant. Says nothing of whether it is still good."""
    row = session.fetch_one(_BY_PREFIX, prefix=prefix)
    return None if row is None else FoundKey(row[0], row[1], row[2], bytes(row[3]))


def find_key_state(session: Session, key_id: int) -> KeyState | None:
    """What a key of the tenant is good for; None when it went with its member."""
    row = session.fetch_one(_STATE, of_id=key_id)
    if row is None:
        return None
    prefix, scopes, sid, expires_at, revoked_at, now = row
    return KeyState(prefix, scopes, str(sid), expires_at, revoked_at, now)
