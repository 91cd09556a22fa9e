"""What a report looks at: whose records, of which pipeline, in which days, and what it says of that in its answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Numeric,
    Select,
    String,
    Table,
    and_,
    bindparam,
    cast,
    extract,
    func,
    literal_column,
    or_,
    select,
)

from chassis.context import current
from chassis.db.listing import of_actor
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline.models import deals, leads
from pipeline.queries.reports.sums import Tally, shown_rates
from pipeline.rules.reporting import Window, local_date

OWN = ("assigned_to", "created_by")
BASE = bindparam("base", type_=String())
TODAY = bindparam("today", type_=Date())
PIPELINE = bindparam("pipeline_id", type_=BigInteger())
START = bindparam("start", type_=DateTime(timezone=True))
END = bindparam("end", type_=DateTime(timezone=True))
NOW = bindparam("now", type_=DateTime(timezone=True))
UNTIL = bindparam("until", type_=DateTime(timezone=True))
FIRST = bindparam("first", type_=Date())
LAST = bindparam("last", type_=Date())

# Just beyond the half lies the upper one of an even number of rows, and the same one of an odd.
_MIDDLE: tuple[ColumnElement[float], ...] = (literal_column("0.5"), literal_column("0.500000001"))

Narrowing = tuple[str, ...]
Statement = Select[*tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a report was asked for, with what the service knows of the company.

    `narrowed` are the filters by which records are left out, with their values; `now` is the moment of the question.
    """

    base: str
    zone: str
    now: datetime
    pipeline_id: int | None = None
    window: Window | None = None
    as_of: date | None = None
    narrowed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day that it is where the company is."""
        return local_date(self.now, self.zone)

    @property
    def days(self) -> Window:
        """The window. Raises ValueError for a report that has none."""
        if self.window is None:
            raise ValueError("this report has no window")
        return self.window

    @property
    def until(self) -> datetime:
        """The end of the window, or now where that is earlier: nothing is known of what is to come."""
        return min(self.days.end, self.now)

    def fetch(self, session: Session, statement: Callable[[Narrowing], Prepared], *names: str) -> list[tuple[Any, ...]]:
        """The rows of a statement over the records that the caller sees and has asked for.

        `names` are the parameters that it has besides those of the filters.
        """
        narrowing = tuple(sorted(name for name, value in self.narrowed.items() if value is not None))
        given = {f"of_{name}": self.narrowed[name] for name in narrowing}
        context = current()
        if context.own_only:
            narrowing = (*narrowing, "own")
            given["actor"] = context.user_id
        own = self._given
        return session.fetch(statement(narrowing), **given, **{name: own[name] for name in names})

    def answer(self, figures: Mapping[str, Any], *tallies: Tally) -> dict[str, Any]:
        """The report: its figures, and what they are of; `tallies` are those that hold the rates used."""
        asked: dict[str, Any] = {} if self.pipeline_id is None else {"pipeline_id": self.pipeline_id}
        if self.window is not None:
            asked |= {"from": str(self.window.first), "to": str(self.window.last)}
        if self.as_of is not None:
            asked["as_of"] = str(self.as_of)
        return {
            "currency": self.base,
            "time_zone": self.zone,
            "filter": asked | dict(self.narrowed),
            "visibility": "own" if current().own_only else "all",
            "rates": shown_rates(*tallies),
            **figures,
        }

    @property
    def _given(self) -> dict[str, Any]:
        given = {
            "base": self.base,
            "today": self.today,
            "now": self.now,
            "pipeline_id": self.pipeline_id,
            "as_of": self.as_of,
        }
        if self.window is not None:
            given |= {name: getattr(self.window, name) for name in ("start", "end", "first", "last")}
            given["until"] = self.until
        return given


def by_narrowing(build: Callable[[Narrowing], Statement]) -> Callable[[Narrowing], Prepared]:
    """A statement for each set of filters, made once: what is not asked for costs nothing, indexes serve the rest."""

    @lru_cache(maxsize=32)
    @wraps(build)
    def prepared(narrowing: Narrowing) -> Prepared:
        return Prepared(build(narrowing))

    return prepared


def of_deals(narrowing: Narrowing) -> Sequence[ColumnElement[bool]]:
    """That a deal is the tenant's and one of those asked for. The source of a deal is that of its lead."""
    conditions = [of_tenant(deals), *_columns(deals, narrowing)]
    if "source" in narrowing:
        conditions.append(deals.c.lead_id.in_(select(leads.c.id).where(of_tenant(leads), _is(leads, "source"))))
    return conditions


def of_leads(narrowing: Narrowing) -> Sequence[ColumnElement[bool]]:
    """That a lead is the tenant's and one of those asked for."""
    return [
        of_tenant(leads),
        *_columns(leads, narrowing),
        *([_is(leads, "source")] if "source" in narrowing else []),
    ]


def open_now() -> ColumnElement[bool]:
    """That a deal is open and live, in the words of the index that totals are read from: a parameter would not do."""
    return and_(deals.c.status == literal_column("'open'"), deals.c.archived_at.is_(None))


def happened() -> ColumnElement[bool]:
    """That a deal counts for what has happened.

    What was archived by itself is left out; what was closed and went with its customer stays, so that archiving a
    customer does not change last quarter.
    """
    return or_(
        deals.c.archived_at.is_(None),
        and_(deals.c.archived_with_customer, deals.c.status != "open"),
    )


def covers(history: FromClause, moment: ColumnElement[datetime]) -> ColumnElement[bool]:
    """That a row of the stage history tells what a deal was just before a moment."""
    return and_(history.c.entered_at < moment, or_(history.c.left_at.is_(None), history.c.left_at >= moment))


def in_seconds(span: ColumnElement[Any], name: str = "seconds") -> ColumnElement[Decimal]:
    """A span of time in seconds, exact to the microsecond."""
    return cast(extract("epoch", span), Numeric).label(name)


def durations_of(span: ColumnElement[Any]) -> tuple[ColumnElement[Decimal], ...]:
    """The sum of spans of time, and the middle two of them, which are the same one where their number is odd.

    All in seconds, and exact, as an average of the middle two would not be. PostgreSQL sorts once for both.
    """
    lower, upper = (func.percentile_disc(place).within_group(span) for place in _MIDDLE)
    return in_seconds(func.sum(span)), in_seconds(lower, "lower"), in_seconds(upper, "upper")


def _columns(table: Table, narrowing: Narrowing) -> list[ColumnElement[bool]]:
    named = [_is(table, name) for name in ("assigned_to", "customer_id") if name in narrowing]
    return [*named, of_actor(table, OWN)] if "own" in narrowing else named


def _is(table: Table, name: str) -> ColumnElement[bool]:
    column = table.c[name]
    condition: ColumnElement[bool] = column == bindparam(f"of_{name}", type_=column.type)
    return condition
