"""Saved views: the caller's own, and those that are shared."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import BigInteger, bindparam, func, or_, select

from chassis.context import acting_as, current
from chassis.db.kinds import BOOLEAN, INTEGER, TEXT
from chassis.db.listing import Listing, ListQuery, Page, of_actor
from chassis.db.pages import list_page
from chassis.db.record_statements import in_order
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from identity.events import SOURCE
from identity.models import saved_views
from identity.views import SAVED_VIEW

_VISIBLE = or_(saved_views.c.shared, of_actor(saved_views, ("user_id",)))
RECORDS = Records(SAVED_VIEW, source=SOURCE, noun="saved view", own=_VISIBLE)
# No filter has an index of its own: a company has views by the hundred, and each list begins with the company.
VIEWS = Listing(
    SAVED_VIEW,
    filters={"id": INTEGER, "screen": TEXT, "name": TEXT, "shared": BOOLEAN},
    sorts=("name", "created_at"),
    default_sort=(("name", False),),
    own=_VISIBLE,
)
_OF_MEMBER = (of_tenant(saved_views), saved_views.c.user_id == bindparam("of_user", type_=BigInteger))
_LOCK_OF_MEMBER = Prepared(in_order(SAVED_VIEW, *_OF_MEMBER))
_COUNT = Prepared(
    select(
        func.count().filter(saved_views.c.shared),
        func.count().filter(~saved_views.c.shared, *_OF_MEMBER),
    ).where(of_tenant(saved_views))
)


def list_views(session: Session, query: ListQuery) -> Page:
    """A page of the views that the caller may see."""
    with _as_seen_by_the_caller():
        return list_page(session, VIEWS, query)


def get_view(session: Session, view_id: int) -> Record:
    """A view that the caller may see. Raises NotFound."""
    with _as_seen_by_the_caller():
        return RECORDS.get(session, view_id)


def expect_view(session: Session, view_id: int, version: int) -> Record:
    """The view under its lock, if it is what the caller has seen. Raises NotFound, PreconditionFailed."""
    with _as_seen_by_the_caller():
        return RECORDS.expect(session, view_id, version)


def lock_views_of(session: Session, user_id: int) -> list[Record]:
    """All views that a member has made, locked."""
    return [Record(*row) for row in session.fetch(_LOCK_OF_MEMBER, of_user=user_id)]


def count_views(session: Session, user_id: int) -> tuple[int, int]:
    """How many views the company shares, and how many are a member's own."""
    [(shared, own)] = session.fetch(_COUNT, of_user=user_id)
    return shared, own


@contextmanager
def _as_seen_by_the_caller() -> Iterator[None]:
    """Nobody, whatever they may do else, sees what somebody else has saved for themselves."""
    with acting_as(replace(current(), own_only=True)):
        yield
