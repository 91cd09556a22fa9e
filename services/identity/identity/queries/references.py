"""Companies and members as their events show them in `after`, for services that missed an event."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    any_,
    bindparam,
    column,
    func,
    literal_column,
    select,
)

from chassis.context import acting_as, current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from identity.models import user_companies
from identity.queries.companies import get_company
from identity.views import USER_COMPANY

_AFTER = bindparam("after", type_=BigInteger)
_MOST = bindparam("most", type_=Integer)


def _members(condition: ColumnElement[bool]) -> Select[tuple[bytes, int]]:
    of_company = of_tenant(user_companies)
    page = USER_COMPANY.documents(of_company, condition).order_by(user_companies.c.user_id).limit(_MOST).subquery("r")
    return select(func.row_to_json(literal_column("r")), page.c.user_id).select_from(page).order_by(page.c.user_id)


_PAGE = Prepared(_members(user_companies.c.user_id > _AFTER))
_NAMED = Prepared(_members(user_companies.c.user_id == any_(bindparam("ids", type_=ARRAY(BigInteger)))))
# Row-level security shows one company at a time: see the function in migration 0001.
_COMPANY_IDS = Prepared(
    select(column("id", BigInteger)).select_from(func.company_ids(_AFTER, _MOST).table_valued("id", name="found"))
)


def list_members(session: Session, company_id: int, after: int, most: int) -> bytes:
    """A page of the company's members of whatever status, by the user's id; none for a company that there is not."""
    with acting_as(replace(current(), company_id=company_id)):
        return _page(session.fetch(_PAGE, after=after, most=most + 1), most)


def find_members(session: Session, company_id: int, user_ids: Sequence[int]) -> bytes:
    """Those of the users who are members of the company, whatever their status."""
    with acting_as(replace(current(), company_id=company_id)):
        found = session.fetch(_NAMED, ids=list(user_ids), most=len(user_ids))
        return _page(found, len(user_ids))


def list_companies(session: Session, after: int, most: int) -> bytes:
    """A page of all companies by id, each read in its own tenant."""
    rows = []
    for (company_id,) in session.fetch(_COMPANY_IDS, after=after, most=most + 1):
        # One that goes between the two questions is as good as one that never was.
        with suppress(NotFound), acting_as(replace(current(), company_id=company_id)):
            rows.append((get_company(session).json, company_id))
    return _page(rows, most)


def _page(rows: Sequence[tuple[bytes, int]], most: int) -> bytes:
    following = str(rows[most - 1][1]).encode() if len(rows) > most else b"null"
    return b'{"data":[%s],"next":%s}' % (b",".join(document for document, _ in rows[:most]), following)
