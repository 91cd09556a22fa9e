"""The tenant itself, and the list of companies, which looks beyond it."""

from functools import lru_cache
from typing import Any, cast

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
)

from chassis.context import current, tenant
from chassis.db.json_view import JsonView
from chassis.db.kinds import Kind
from chassis.db.listing import Listing, ListQuery, Page
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.events import SOURCE
from identity.rules import COMPANY_STATUSES
from identity.views import COMPANY

RECORDS = Records(COMPANY, source=SOURCE, noun="company", merged=frozenset({"settings"}))


def get_company(session: Session, *, lock: bool = False) -> Record:
    """The tenant itself; with `lock` under the row's lock. Raises NotFound for one that is gone."""
    return RECORDS.get(session, tenant(), lock=lock)


# What work needs and a letterhead says anyway: for who may not read the company.
_SEEN_BY_ALL = frozenset(
    {"id", "version", "name", "logo", "status", "default_currency", "time_zone", "region", "created_at", "updated_at"}
)


def get_company_as_seen(session: Session, *, whole: bool) -> bytes:
    """The tenant as its members see it: `whole`, or of what not everybody may read nothing."""
    record = get_company(session)
    if whole:
        return record.json
    seen = {name: value if name in _SEEN_BY_ALL else None for name, value in record.document.items()}
    # Clients know these as never null.
    return orjson.dumps(seen | {"email": "", "settings": {}})


# What an operator sees of any company, and a member of theirs.
_SUMMARY = (
    column("id", BigInteger),
    column("name", String),
    column("email", String),
    column("status", String),
    column("role", String),
    column("member_status", String),
    column("is_primary", Boolean),
    column("joined_at", DateTime(timezone=True)),
    column("created_at", DateTime(timezone=True)),
)
_found = func.list_companies(
    bindparam("of_user", type_=BigInteger),
    bindparam("everything", type_=Boolean),
    bindparam("of_status", type_=Text),
    bindparam("after", type_=BigInteger),
    bindparam("most", type_=Integer),
).table_valued(*_SUMMARY, name="found")


def _status(text: str) -> str:
    if text not in COMPANY_STATUSES:
        raise ValueError(f"one of {', '.join(COMPANY_STATUSES)} is wanted")
    return text


# The grammar of the list. Its statement is not the chassis', because row-level security shows a tenant only itself and
# what looks behind it is a function that takes the conditions as parameters: see migration 0001.
COMPANIES = Listing(
    JsonView(cast("Table", _found), [part.name for part in _SUMMARY]),
    filters={"status": Kind(_status, ("eq",), "one of " + ", ".join(COMPANY_STATUSES))},
    sorts=("id",),
    default_sort=(("id", False),),
)
_EVERY = 2**31 - 1


def list_companies(session: Session, query: ListQuery, *, everything: bool) -> Page:
    """A page of the caller's companies, or of all companies for an operator of the platform."""
    limit = query.shape.limit
    asked = {
        "of_user": current().user_id,
        "everything": everything,
        "of_status": query.values[0] if query.values else None,
    }
    rows = session.fetch(_page(query.shape.fields), **asked, after=query.after[0] if query.after else 0, most=limit + 1)
    data = b"[" + b",".join(document for document, _ in rows[:limit]) + b"]"
    total = session.fetch(_COUNT, **asked, after=0, most=_EVERY)[0][0] if query.total else None
    return Page(data, (rows[limit - 1][1],) if len(rows) > limit else None, total)


_COUNT = Prepared(select(func.count()).select_from(_found))


@lru_cache(maxsize=64)
def _page(names: tuple[str, ...] | None) -> Prepared:
    pairs: Any = ((literal_column(f"'{name}'"), _found.c[name]) for name in names or [part.name for part in _SUMMARY])
    return Prepared(select(func.json_build_object(*(part for pair in pairs for part in pair)), _found.c.id))
