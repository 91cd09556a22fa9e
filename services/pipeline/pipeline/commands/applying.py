"""A stage's new probability, given to what follows the stage, where somebody asks for that."""

from collections.abc import Sequence

from chassis.db.listing import ListQuery, Shape
from chassis.db.records import Record
from chassis.db.session import Session
from pipeline.events import DEAL_UPDATED
from pipeline.queries.deals import DEALS, RECORDS


def following(stage_id: int) -> ListQuery:
    """The live open deals in a stage whose probability is the stage's."""
    conditions = (("stage_id", "eq"), ("status", "eq"), ("probability_source", "eq"))
    shape = Shape(None, conditions, DEALS.default_sort, 1, after=False)
    return ListQuery(shape, (stage_id, "open", "stage"))


def apply_probability(session: Session, records: Sequence[Record], probability: int | None) -> int:
    """Give it to locked deals; answers how many had another."""
    if probability is None:
        return 0
    changed = (RECORDS.change(session, DEAL_UPDATED, record, {"probability": probability}) for record in records)
    return sum(after.version != before.version for after, before in zip(changed, records, strict=True))
