"""The timeline of a customer, a lead or a deal: what was done and what was completed, the latest first.

Each kind of entry is walked along its own index, a page of each, and the pages are merged in one statement: a page
costs the same wherever it lies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    SmallInteger,
    String,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    union_all,
)

from chassis.context import current
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
# Customers that went up in one another, one after the other: more than any real one, and an end to a ring of them.
_LONGEST_CHAIN: Final = 100


@dataclass(frozen=True, slots=True)
class Question:
    """Whose timeline is asked for, and which entries of it."""

    kind: str
    subject_id: int
    lead_id: int | None = None
    only: str | None = None
    filters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The entry behind which a page begins; without a rank all that lies before a moment."""

    at: datetime
    rank: int | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, as its record's document; `moment` is when, as that says it."""

    kind: str
    at: datetime
    id: int
    moment: bytes
    record: bytes

    @property
    def json(self) -> bytes:
        """The entry as it is shown: what PostgreSQL made goes out unparsed."""
        return b'{"kind":"%s","at":%s,"id":%d,"record":%s}' % (self.kind.encode(), self.moment, self.id, self.record)


def find_subject(session: Session, kind: str, subject_id: int) -> tuple[int, int | None]:
    """The id that a timeline is of, which is the surviving one's of a merged customer, and the lead of a deal.

    Raises NotFound, also for what the actor may not see, and where events that were lost left no end to the merges.
    """
    context = current()
    seen = subject_id
    for _ in range(_LONGEST_CHAIN):
        found = SUBJECTS[kind].read(session, (seen,)).get(seen)
        if found is None or (context.own_only and context.user_id not in (found["assigned_to"], found["created_by"])):
            break
        if kind != CUSTOMER or found["merged_into"] is None:
            return seen, found["lead_id"] if kind == DEAL else None
        seen = found["merged_into"]
    raise NotFound(f"{kind}_not_found", f"There is no such {kind}.")


def list_entries(session: Session, asked: Question, after: Place, limit: int) -> list[Entry]:
    """Up to `limit` entries and one more behind a place, of those that the actor may see."""
    filters = {name: value for name, value in (asked.filters or {}).items() if value is not None}
    until = filters.pop("to", None)
    if until is not None and until <= after.at:
        # Where the walk begins, and no condition on what it passes: what is later than that costs nothing.
        after = Place(until, _BEHIND_ALL)
    context = current()
    walk = Walk(
        asked.kind,
        with_lead=asked.lead_id is not None,
        only=asked.only,
        filters=frozenset(filters),
        own=context.own_only,
        tasks=_sight_of_tasks(context.permissions),
    )
    parameters = {f"given_{name}": value for name, value in filters.items()}
    parameters |= {"of_subject": asked.subject_id, "after_at": after.at, "most": limit + 1}
    if walk.has_activities:
        parameters["after_activity"] = after.id if after.rank == _RANKS[ACTIVITY_KIND] else _edge(after, ACTIVITY_KIND)
    if walk.has_tasks:
        parameters["after_task"] = after.id if after.rank == _RANKS[TASK_KIND] else _edge(after, TASK_KIND)
    if asked.lead_id is not None:
        parameters["of_lead"] = asked.lead_id
    if (walk.own and walk.has_activities) or (walk.tasks == "own" and walk.has_tasks):
        parameters["actor"] = context.user_id
    if not walk.has_activities and not walk.has_tasks:
        return []
    rows = session.fetch(_statement(walk), **parameters)
    kinds = {rank: kind for kind, rank in _RANKS.items()}
    return [Entry(kinds[rank], *entry) for rank, *entry in rows]


def place_of(entry: Entry) -> Place:
    """Where a page ends with this entry."""
    return Place(entry.at, _RANKS[entry.kind], entry.id)


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
    with_lead: bool
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


@lru_cache(maxsize=512)
def _statement(walk: Walk) -> Prepared:
    pages = []
    for subject in _subjects(walk):
        if walk.has_activities:
            pages.append(_activities(walk, subject))
        if walk.has_tasks:
            pages.append(_tasks(walk, subject))
    rows = union_all(*(page.subquery().select() for page in pages)).subquery("u")
    order = (rows.c.at.desc(), rows.c.rank.desc(), rows.c.id.desc())
    most = bindparam("most", type_=BigInteger)
    shown = (rows.c.rank, rows.c.at, rows.c.id, func.to_json(rows.c.at, type_=JSON), rows.c.record)
    return Prepared(select(*shown).order_by(*order).limit(most))


def _subjects(walk: Walk) -> list[tuple[str, str]]:
    """The columns that entries are found by, each with its parameter."""
    own = (f"{walk.kind}_id", "of_subject")
    return [own, ("lead_id", "of_lead")] if walk.with_lead else [own]


def _activities(walk: Walk, subject: tuple[str, str]) -> Select[Any]:
    at = activities.c.activity_date
    where = [
        *_of_subject(activities, subject),
        func.row(at, activities.c.id)
        < func.row(bindparam("after_at", type_=_AT), bindparam("after_activity", type_=BigInteger)),
        *_filtered(walk, at, activities.c.user_id),
    ]
    if "activity_type" in walk.filters:
        where.append(activities.c.activity_type == bindparam("given_activity_type", type_=String(50)))
    if walk.own:
        where.append(OWN_ACTIVITY)
    return _page(ACTIVITY, at, ACTIVITY_KIND, where)


def _tasks(walk: Walk, subject: tuple[str, str]) -> Select[Any]:
    at = tasks.c.completed_at
    logged = exists().where(
        of_tenant(activities),
        activities.c.task_id == tasks.c.id,
        func.coalesce(activities.c.logged_completion, activities.c.activity_date) == at,
        activities.c.archived_at.is_(None),
    )
    where = [
        *_of_subject(tasks, subject),
        at.is_not(None),
        func.row(at, tasks.c.id)
        < func.row(bindparam("after_at", type_=_AT), bindparam("after_task", type_=BigInteger)),
        # Completed and logged in one go, it is there as that activity alone.
        ~logged,
        *_filtered(walk, at, tasks.c.assigned_to),
    ]
    if walk.tasks == "own":
        where.append(OWN_TASK)
    return _page(TASK, at, TASK_KIND, where)


def _of_subject(table: Any, subject: tuple[str, str]) -> list[ColumnElement[bool]]:
    name, parameter = subject
    conditions = [
        of_tenant(table),
        table.c[name] == bindparam(parameter, type_=BigInteger),
        table.c.archived_at.is_(None),
    ]
    if parameter == "of_lead":
        # What is of the deal as well is found by that.
        conditions.append(table.c.deal_id.is_distinct_from(bindparam("of_subject", type_=BigInteger)))
    return conditions


def _filtered(walk: Walk, at: ColumnElement[Any], user: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    conditions: Mapping[str, ColumnElement[bool]] = {
        "user_id": user == bindparam("given_user_id", type_=BigInteger),
        "from": at >= bindparam("given_from", type_=_AT),
    }
    return [condition for name, condition in conditions.items() if name in walk.filters]


def _page(view: Any, at: ColumnElement[Any], kind: str, where: list[ColumnElement[bool]]) -> Select[Any]:
    table = view.table
    documents = view.documents(*where).order_by(at.desc(), table.c.id.desc())
    page = documents.limit(bindparam("most", type_=BigInteger)).subquery("r")
    moment = page.c["activity_date" if kind == ACTIVITY_KIND else "completed_at"]
    return select(
        literal_column(str(_RANKS[kind]), SmallInteger).label("rank"),
        moment.label("at"),
        page.c.id.label("id"),
        func.row_to_json(literal_column("r")).label("record"),
    ).select_from(page)
