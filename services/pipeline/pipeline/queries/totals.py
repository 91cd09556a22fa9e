"""What the open cards of a board are worth: over all that match, not over those that are shown."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, literal_column

from chassis.context import current
from chassis.db.listing import ListQuery
from chassis.db.pages import where
from chassis.db.session import Session
from chassis.db.statements import Prepared
from pipeline.queries.cards import DEALS, Cards
from pipeline.queries.companies import get_company
from pipeline.queries.reports.sums import Tally
from pipeline.queries.reports.worth import sums_of, with_rates
from pipeline.rules.reporting import local_date
from pipeline.rules.stages import group_of

_PIPELINE = bindparam("of_pipeline", type_=BigInteger())


@dataclass(slots=True)
class Totals:
    """The sums of each stage, by its id."""

    kind: str
    base: str
    by_stage: dict[int | None, Tally] = field(default_factory=dict)

    def of_stage(self, stage: dict[str, Any] | None) -> dict[str, Any] | None:
        """A column's sums; None of what is closed, which grows for ever: reports add it up by its time."""
        if stage is not None and group_of(stage[self.kind]) != "open":
            return None
        tally = self.by_stage.get(None if stage is None else stage["id"])
        return (tally or Tally(self.base)).shown()

    def in_all(self) -> dict[str, Any]:
        """The sums of all columns, from exact figures and not from printed ones."""
        whole = Tally(self.base)
        for tally in self.by_stage.values():
            whole.include(tally)
        return whole.shown()


def count(session: Session, cards: Cards, query: ListQuery, pipeline_id: int | None) -> Totals:
    """Add up the open cards that match, at the rates of the company's today."""
    company = get_company(session)
    own = cards.listing.own is not None and current().own_only
    given: dict[str, Any] = {"base": company.base, "today": local_date(datetime.now(UTC), company.zone)}
    if pipeline_id is not None:
        given["of_pipeline"] = pipeline_id
    if own:
        given["actor"] = current().user_id
    totals = Totals(cards.kind, company.base)
    statement = _sums(cards, query.shape.conditions, own, pipeline_id is not None)
    for stage_id, *row in session.fetch(statement, **given, **query.parameters):
        totals.by_stage.setdefault(stage_id, Tally(company.base)).add(row)
    return totals


@lru_cache(maxsize=256)
def _sums(cards: Cards, conditions: tuple[tuple[str, str], ...], own: bool, of_pipeline: bool) -> Prepared:
    table = cards.table
    # In the words of the index that has all that is needed.
    is_open = table.c.status == literal_column("'open'") if cards is DEALS else table.c.closed_at.is_(None)
    matching = [*where(cards.listing, conditions, own=own), is_open]
    if of_pipeline:
        matching.append(table.c.pipeline_id == _PIPELINE)
    return Prepared(with_rates(sums_of(table, cards.value, (table.c.stage_id,), matching), "stage_id"))
