"""Overdue, today, tomorrow, this week, later: as conditions, from the same bounds as the rule."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, and_, bindparam, literal_column, or_

from chassis.db.kinds import OF_WORD
from chassis.db.listing import ListQuery, Word
from tasks.models import tasks
from tasks.rules import OPEN_STATUSES
from tasks.rules.due import NONE, OVERDUE, RANGES, Bounds

# As the partial index says it.
_NAMED = ", ".join(f"'{status}'" for status in OPEN_STATUSES)
OPEN: ColumnElement[bool] = literal_column(f"(tasks.status IN ({_NAMED}))", Boolean)
CLOSED: ColumnElement[bool] = literal_column(f"(tasks.status NOT IN ({_NAMED}))", Boolean)
_ALL_DAY = tasks.c.due_on.is_not(None)


def _bound(name: str) -> Any:
    return bindparam(f"due_{name}", type_=DateTime(timezone=True))


def bucket(name: str) -> ColumnElement[bool]:
    """That a task is due in this bucket; its bounds are parameters. An open task is in just one."""
    due = tasks.c.due_date
    if name == NONE:
        return due.is_(None)
    lower, upper = RANGES[name]
    if name == OVERDUE:
        return and_(due <= _bound("now"))
    parts: list[ColumnElement[bool]] = []
    if lower == "now":
        parts.append(due > _bound(lower))
    elif lower is not None:
        # The end of a day still belongs to it for what lasts all day.
        parts += [due >= _bound(lower), or_(due > _bound(lower), ~_ALL_DAY)]
    if upper is not None:
        parts += [due <= _bound(upper), or_(due < _bound(upper), _ALL_DAY)]
    return and_(*parts)


_BY_DUE = (("due_date", False),)
WORDS = {
    "open": {"true": Word(OPEN, sort=_BY_DUE), "false": Word(CLOSED)},
    "due": {name: Word(and_(OPEN, bucket(name)), sort=_BY_DUE) for name in (*RANGES, NONE)},
}


def bounds_of(name: str, bounds: Bounds) -> dict[str, Any]:
    """The parameters that a bucket's condition has."""
    named = (OVERDUE, "now") if name == OVERDUE else RANGES.get(name, ())
    return {f"due_{bound}": getattr(bounds, bound) for bound in named if bound is not None and hasattr(bounds, bound)}


def asks_for_bounds(query: ListQuery) -> bool:
    """Whether a list goes by the time of day."""
    return any(name == "due" for name, _ in query.shape.conditions)


def with_bounds(query: ListQuery, bounds: Bounds) -> ListQuery:
    """The same question, at a moment and in a zone."""
    given: dict[str, Any] = {}
    for name, operator in query.shape.conditions:
        if name == "due":
            given |= bounds_of(operator.removeprefix(OF_WORD), bounds)
    return replace(query, given=given)
