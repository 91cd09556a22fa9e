"""The timeline of a customer, a lead or a deal: what was done and what was completed, the latest first.

Each kind of entry is walked along its own index, a page of each, and the pages are merged in one statement, which looks
up whose timeline it is as well: a page costs the same wherever it lies, and one round trip.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    SmallInteger,
    String,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from chassis.context import current
from chassis.db.listing import Page
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from tasks.models import activities, tasks
from tasks.queries.activities import OWN as OWN_ACTIVITY
from tasks.queries.links import CUSTOMER, DEAL, SUBJECTS
from tasks.queries.tasks import OWN as OWN_TASK
from tasks.views import ACTIVITY, TASK

ACTIVITY_KIND, TASK_KIND = "activity", "task"
# In the order of entries of the same moment, the later first: activities come before tasks.
_RANKS: Final = {ACTIVITY_KIND: 1, TASK_KIND: 0}
# Behind all entries of a moment, of whatever kind.
_BEHIND_ALL: Final = -1
LAST_ID: Final = 2**63 - 1
_AT = DateTime(timezone=True)
# A page and one more, which says whether there is more.
_MOST: Final = bindparam("most", type_=BigInteger)
_OF_SUBJECT: Final = bindparam("of_subject", type_=BigInteger)
# Customers that went up in one another, one after the other: more than any real one, and an end to a ring of them.
_LONGEST_CHAIN: Final = 100


@dataclass(frozen=True, slots=True)
class Question:
    """Whose timeline is asked for, and which entries of it."""

    kind: str
    subject_id: int
    only: str | None = None
    filters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The entry behind which a page begins; without a rank all that lies before a moment."""

    at: datetime
    rank: int | None = None
    id: int = 0


def list_page(session: Session, asked: Question, after: Place, limit: int) -> tuple[int, Page]:
    """The id whose timeline it is, and up to `limit` entries behind a place, of those that the actor may see.

    The id is the surviving one's of a merged customer. Raises NotFound, also for a subject that the actor may not see,
    and where events that were lost left no end to the merges.
    """
    filters = {name: value for name, value in (asked.filters or {}).items() if value is not None}
    until = filters.pop("to", None)
    if until is not None and until <= after.at:
        # Where the walk begins, and no condition on what it passes: what is later than that costs nothing.
        after = Place(until, _BEHIND_ALL)
    context = current()
    walk = Walk(
        asked.kind,
        only=asked.only,
        filters=frozenset(filters),
        own=context.own_only,
        tasks=_sight_of_tasks(context.permissions),
    )
    parameters: dict[str, Any] = {}
    if walk.may_have_any:
        parameters = {"after_at": after.at, "most": limit + 1, **{f"given_{name}": filters[name] for name in filters}}
    if walk.has_activities:
        parameters["after_activity"] = after.id if after.rank == _RANKS[ACTIVITY_KIND] else _edge(after, ACTIVITY_KIND)
    if walk.has_tasks:
        parameters["after_task"] = after.id if after.rank == _RANKS[TASK_KIND] else _edge(after, TASK_KIND)
    if walk.own or (walk.tasks == "own" and walk.has_tasks):
        parameters["actor"] = context.user_id
    subject_id = asked.subject_id
    for _ in range(_LONGEST_CHAIN):
        row = session.fetch_one(_statement(walk), of_subject=subject_id, **parameters)
        if row is None:
            break
        merged_into, data, more, at, kind, record_id = row
        if merged_into is None:
            return subject_id, Page(data or b"[]", (at.isoformat(), _RANKS[kind], record_id) if more else None)
        subject_id = merged_into
    raise NotFound(f"{asked.kind}_not_found", f"There is no such {asked.kind}.")


def _edge(after: Place, kind: str) -> int:
    """The id at the place's moment behind which entries of another kind begin: all of them, or none."""
    return LAST_ID if after.rank is None or _RANKS[kind] < after.rank else 0


def _sight_of_tasks(permissions: frozenset[str]) -> str:
    if "tasks:read" in permissions:
        return "all"
    return "own" if "tasks:read:own" in permissions else "none"


@dataclass(frozen=True, slots=True)
class Walk:
    """What decides the SQL of a page."""

    kind: str
    only: str | None
    filters: frozenset[str]
    own: bool
    tasks: str

    @property
    def has_activities(self) -> bool:
        """Whether the page may have activities."""
        return self.only != TASK_KIND

    @property
    def has_tasks(self) -> bool:
        """Whether the page may have completed tasks."""
        return self.only != ACTIVITY_KIND and "activity_type" not in self.filters and self.tasks != "none"

    @property
    def may_have_any(self) -> bool:
        """Whether the page may have anything."""
        return self.has_activities or self.has_tasks


@lru_cache(maxsize=512)
def _statement(walk: Walk) -> Prepared:
    """One row: what the subject was merged into, the page as JSON, whether there is more, and the place of its last."""
    reference = SUBJECTS[walk.kind]
    refs = reference.table
    where = [of_tenant(refs), refs.c[reference.key] == _OF_SUBJECT]
    if walk.own:
        actor = bindparam("actor", type_=BigInteger)
        where.append((refs.c.assigned_to == actor) | (refs.c.created_by == actor))
    merged_into = refs.c.merged_into if walk.kind == CUSTOMER else null()
    subject = select(merged_into.label("merged_into")).where(*where).subquery("s")
    if not walk.may_have_any:
        return Prepared(select(subject.c.merged_into, null(), false(), null(), null(), null()))
    page = _page(walk).subquery("p")
    rows = subject.outerjoin(page, subject.c.merged_into.is_(None))
    return Prepared(select(subject.c.merged_into, *page.c).select_from(rows))


def _page(walk: Walk) -> Select[Any]:
    """The entries of all kinds as one JSON, in their order, and what is behind them."""
    walks = []
    for subject in _subjects(walk):
        if walk.has_activities:
            walks.append(_activities(walk, subject))
        if walk.has_tasks:
            walks.append(_tasks(walk, subject))
    rows = union_all(*(one.subquery().select() for one in walks)).subquery("u")
    order = (rows.c.at.desc(), rows.c.rank.desc(), rows.c.id.desc())
    kind = case((rows.c.rank == _RANKS[ACTIVITY_KIND], ACTIVITY_KIND), else_=TASK_KIND).label("kind")
    entries = select(kind, rows.c.at, rows.c.id, rows.c.record).order_by(*order).limit(_MOST).subquery("d")
    numbered = select(
        literal_column("d").label("entry"), func.row_number().over().label("n"), *entries.c["kind", "at", "id"]
    ).subquery("n")
    last = numbered.c.n == _MOST - 1
    return select(
        func.json_agg(numbered.c.entry).filter(numbered.c.n < _MOST).label("data"),
        (func.count() == _MOST).label("more"),
        func.max(numbered.c.at).filter(last).label("at"),
        func.max(numbered.c.kind).filter(last).label("kind"),
        func.max(numbered.c.id).filter(last).label("id"),
    ).select_from(numbered)


def _subjects(walk: Walk) -> list[str]:
    """The columns that entries are found by."""
    return ["deal_id", "lead_id"] if walk.kind == DEAL else [f"{walk.kind}_id"]


def _whose(walk: Walk, column: str) -> ColumnElement[Any]:
    """Whose id a column has to have: the subject's, or that of the lead that a deal came of."""
    if walk.kind != DEAL or column == "deal_id":
        return _OF_SUBJECT
    refs = SUBJECTS[DEAL].table
    return select(refs.c.lead_id).where(of_tenant(refs), refs.c.deal_id == _OF_SUBJECT).scalar_subquery()


def _activities(walk: Walk, subject: str) -> Select[Any]:
    at = activities.c.activity_date
    where = [
        *_of_subject(walk, activities, subject),
        func.row(at, activities.c.id)
        < func.row(bindparam("after_at", type_=_AT), bindparam("after_activity", type_=BigInteger)),
        *_filtered(walk, at, activities.c.user_id),
    ]
    if "activity_type" in walk.filters:
        where.append(activities.c.activity_type == bindparam("given_activity_type", type_=String(50)))
    if walk.own:
        where.append(OWN_ACTIVITY)
    return _walk(ACTIVITY, at, ACTIVITY_KIND, where)


def _tasks(walk: Walk, subject: str) -> Select[Any]:
    at = tasks.c.completed_at
    logged = exists().where(
        of_tenant(activities),
        activities.c.task_id == tasks.c.id,
        func.coalesce(activities.c.logged_completion, activities.c.activity_date) == at,
        activities.c.archived_at.is_(None),
    )
    where = [
        *_of_subject(walk, tasks, subject),
        at.is_not(None),
        func.row(at, tasks.c.id)
        < func.row(bindparam("after_at", type_=_AT), bindparam("after_task", type_=BigInteger)),
        # Completed and logged in one go, it is there as that activity alone.
        ~logged,
        *_filtered(walk, at, tasks.c.assigned_to),
    ]
    if walk.tasks == "own":
        where.append(OWN_TASK)
    return _walk(TASK, at, TASK_KIND, where)


def _of_subject(walk: Walk, table: Any, column: str) -> list[ColumnElement[bool]]:
    conditions = [of_tenant(table), table.c[column] == _whose(walk, column), table.c.archived_at.is_(None)]
    if walk.kind == DEAL and column != "deal_id":
        # What is of the deal as well is found by that.
        conditions.append(table.c.deal_id.is_distinct_from(_OF_SUBJECT))
    return conditions


def _filtered(walk: Walk, at: ColumnElement[Any], user: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    conditions: Mapping[str, ColumnElement[bool]] = {
        "user_id": user == bindparam("given_user_id", type_=BigInteger),
        "from": at >= bindparam("given_from", type_=_AT),
    }
    return [condition for name, condition in conditions.items() if name in walk.filters]


def _walk(view: Any, at: ColumnElement[Any], kind: str, where: list[ColumnElement[bool]]) -> Select[Any]:
    table = view.table
    documents = view.documents(*where).order_by(at.desc(), table.c.id.desc())
    page = documents.limit(_MOST).subquery("r")
    moment = page.c["activity_date" if kind == ACTIVITY_KIND else "completed_at"]
    return select(
        literal_column(str(_RANKS[kind]), SmallInteger).label("rank"),
        moment.label("at"),
        page.c.id.label("id"),
        func.row_to_json(literal_column("r")).label("record"),
    ).select_from(page)
