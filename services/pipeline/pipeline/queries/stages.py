"""Stages of leads and of deals: found for lists, for who administers them, and for a record on its way into one."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, func, literal_column, null, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.kinds import BOOLEAN, INTEGER, TEXT, choice_of
from chassis.db.listing import Listing
from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import FieldError, Invalid
from pipeline import rules
from pipeline.events import SOURCE
from pipeline.models import deal_stages, pipelines
from pipeline.queries.cards import DEALS, LEADS, Cards
from pipeline.rules.positions import on_top
from pipeline.rules.stages import Stage
from pipeline.views import DEAL_STAGE, LEAD_STAGE

LEAD_STAGES = Records(LEAD_STAGE, source=SOURCE, noun="lead stage")
DEAL_STAGES = Records(DEAL_STAGE, source=SOURCE, noun="deal stage")
LEAD_STAGE_LIST = Listing(
    LEAD_STAGE,
    filters={"id": INTEGER, "lead_status": choice_of(*rules.LEAD_STATUSES), "is_active": BOOLEAN},
    sorts=("order_index",),
    default_sort=(("order_index", False),),
)
DEAL_STAGE_LIST = Listing(
    DEAL_STAGE,
    filters={
        "id": INTEGER,
        "pipeline_id": INTEGER,
        "code": TEXT,
        "kind": choice_of(*rules.DEAL_STATUSES),
        "is_active": BOOLEAN,
    },
    sorts=("order_index",),
    default_sort=(("order_index", False),),
)

_ID = bindparam("of_stage", type_=BigInteger())
_PIPELINE = bindparam("of_pipeline", type_=BigInteger())


def enter_stage(session: Session, cards: Cards, stage_id: int) -> tuple[Stage, int]:
    """A stage that a card is to enter, there to stay until the transaction ends, and the position above all in it.

    Two who enter at once may get the same position; ties go by id. Raises Invalid for a stage that there is not.
    """
    session.begin()
    row = session.fetch_one(_entered(cards), of_stage=stage_id)
    if row is None:
        raise _unknown()
    *columns, highest = row
    return Stage(*columns), on_top(highest)


def lock_column(session: Session, cards: Cards, stage_id: int) -> Stage:
    """A stage in whose column nobody else moves a card until the transaction ends.

    What lies in it is to be read by later statements: this one may have waited, and has seen what was before. Raises
    Invalid for a stage that there is not.
    """
    return lock_column_later(session, cards, stage_id)()


def lock_column_later(session: Session, cards: Cards, stage_id: int) -> Callable[[], Stage]:
    """The same in one round trip with the next statement, or when the answer is called for, which raises."""
    later = session.fetch_later(_moved_in(cards), of_stage=stage_id)

    def locked() -> Stage:
        if not later.rows:
            raise _unknown()
        return Stage(*later.rows[0])

    return locked


def lock_columns(session: Session, cards: Cards, stage_ids: Iterable[int]) -> None:
    """The same of several, in the order of their ids, so that nobody waits in a circle; without unknown ones."""
    for stage_id in sorted(set(stage_ids)):
        session.fetch_later(_moved_in(cards), of_stage=stage_id)


def find_stage(session: Session, cards: Cards, stage_id: int | None) -> Stage | None:
    """A stage as it is now; None for one that there is not."""
    row = None if stage_id is None else session.fetch_one(_one(cards), of_stage=stage_id)
    return None if row is None else Stage(*row)


def _unknown() -> Invalid:
    detail = "There is no such stage in this company."
    return Invalid("unknown_stage", detail, (FieldError("/stage_id", "unknown_reference", detail),))


def list_stages(session: Session, cards: Cards, pipeline_id: int | None = None) -> list[Stage]:
    """The stages of leads, or those of a pipeline, in order."""
    given = {} if pipeline_id is None else {"of_pipeline": pipeline_id}
    return [Stage(*row) for row in session.fetch(_all(cards, pipeline_id is not None), **given)]


def list_default_stages(session: Session, cards: Cards) -> list[Stage]:
    """The stages that a new record may begin in: those of leads, or of the default pipeline."""
    statement = _all(LEADS, of_pipeline=False) if cards is LEADS else _DEFAULT
    return [Stage(*row) for row in session.fetch(statement)]


def last_open_stage(session: Session, cards: Cards, record_id: int) -> Stage | None:
    """The stage that a record was open in before it closed."""
    row = session.fetch_one(_last_open(cards), of_id=record_id)
    return None if row is None else Stage(*row)


def clock(session: Session) -> datetime:
    """What time it is where the history is written."""
    moment: datetime = session.fetch(_CLOCK)[0][0]
    return moment


def top_of(session: Session, cards: Cards, stage_id: int) -> int:
    """The position above all cards in a stage."""
    row = session.fetch_one(_highest_of(cards), of_stage=stage_id)
    return on_top(None if row is None else row[0])


def is_empty(session: Session, cards: Cards, stage_id: int) -> bool:
    """Whether no live record is in a stage."""
    return session.fetch_one(_highest_of(cards), of_stage=stage_id) is None


def _columns(cards: Cards) -> list[ColumnElement[Any]]:
    stages = cards.stages
    common: list[ColumnElement[Any]] = [stages.c[name] for name in ("id", "name", cards.kind, "order_index")]
    if cards is LEADS:
        return [
            *common,
            stages.c.is_active,
            stages.c.probability,
            null().label("pipeline_id"),
            null().label("code"),
            literal_column("'[]'::jsonb", JSONB).label("required_fields"),
        ]
    # Nothing enters a pipeline that is archived.
    archived = (
        select(pipelines.c.id)
        .where(of_tenant(pipelines), pipelines.c.id == stages.c.pipeline_id, pipelines.c.archived_at.is_not(None))
        .correlate(stages)
        .exists()
    )
    active = and_(stages.c.is_active, ~archived).label("is_active")
    return [*common, active, stages.c.probability, stages.c.pipeline_id, stages.c.code, stages.c.required_fields]


def _highest(cards: Cards) -> Select[Any]:
    """The position of the first card of a column: an index's first entry."""
    table = cards.table
    return (
        select(table.c.position)
        .where(of_tenant(table), table.c.stage_id == _ID, table.c.archived_at.is_(None))
        .order_by(table.c.position, table.c.id)
        .limit(1)
    )


@lru_cache(maxsize=8)
def _highest_of(cards: Cards) -> Prepared:
    return Prepared(_highest(cards))


@lru_cache(maxsize=8)
def _entered(cards: Cards) -> Prepared:
    stages = cards.stages
    found = select(*_columns(cards), _highest(cards).scalar_subquery().label("highest"))
    return Prepared(found.where(of_tenant(stages), stages.c.id == _ID).with_for_update(key_share=True, read=True))


@lru_cache(maxsize=8)
def _moved_in(cards: Cards) -> Prepared:
    stages = cards.stages
    found = select(*_columns(cards)).where(of_tenant(stages), stages.c.id == _ID)
    return Prepared(found.with_for_update(key_share=True))


@lru_cache(maxsize=8)
def _one(cards: Cards) -> Prepared:
    return Prepared(select(*_columns(cards)).where(of_tenant(cards.stages), cards.stages.c.id == _ID))


_CLOCK = Prepared(select(func.clock_timestamp()), writes=True)


@lru_cache(maxsize=8)
def _last_open(cards: Cards) -> Prepared:
    stages, table = cards.stages, cards.table
    last = select(table.c.last_open_stage_id).where(
        of_tenant(table), table.c.id == bindparam("of_id", type_=BigInteger())
    )
    return Prepared(select(*_columns(cards)).where(of_tenant(stages), stages.c.id == last.scalar_subquery()))


@lru_cache(maxsize=8)
def _all(cards: Cards, of_pipeline: bool) -> Prepared:
    stages = cards.stages
    where = [of_tenant(stages), *([stages.c.pipeline_id == _PIPELINE] if of_pipeline else [])]
    return Prepared(select(*_columns(cards)).where(*where).order_by(stages.c.order_index, stages.c.id))


_DEFAULT = Prepared(
    select(*_columns(DEALS))
    .join_from(
        deal_stages,
        pipelines,
        (pipelines.c.company_id == deal_stages.c.company_id) & (pipelines.c.id == deal_stages.c.pipeline_id),
    )
    .where(of_tenant(deal_stages), of_tenant(pipelines), pipelines.c.is_default)
    .order_by(deal_stages.c.order_index, deal_stages.c.id)
)

# How many records are in a stage, by what hinders its deletion.
_COUNTS: Mapping[Cards, Prepared] = {
    cards: Prepared(
        select(
            func.count().filter(cards.table.c.closed_at.is_(None), cards.table.c.archived_at.is_(None)),
            func.count().filter(cards.table.c.closed_at.is_not(None), cards.table.c.archived_at.is_(None)),
            func.count().filter(cards.table.c.archived_at.is_not(None)),
        ).where(of_tenant(cards.table), cards.table.c.stage_id == _ID)
    )
    for cards in (LEADS, DEALS)
}
_ANY: Mapping[Cards, Prepared] = {
    cards: Prepared(select(cards.table.c.id).where(of_tenant(cards.table), cards.table.c.stage_id == _ID).limit(1))
    for cards in (LEADS, DEALS)
}


def count_in_stage(session: Session, cards: Cards, stage_id: int) -> dict[str, int]:
    """How many open, closed and archived records are in a stage."""
    return dict(zip(("open", "closed", "archived"), session.fetch(_COUNTS[cards], of_stage=stage_id)[0], strict=True))


def is_used(session: Session, cards: Cards, stage_id: int) -> bool:
    """Whether any record is in a stage: open, closed or archived."""
    return session.fetch_one(_ANY[cards], of_stage=stage_id) is not None


_MOVING: Mapping[Cards, Prepared] = {
    cards: Prepared(select(cards.stages.c.moving_to).where(of_tenant(cards.stages), cards.stages.c.id == _ID))
    for cards in (LEADS, DEALS)
}
_LOCK_MOVING: Mapping[Cards, Prepared] = {
    cards: Prepared(
        select(cards.stages.c.moving_to).where(of_tenant(cards.stages), cards.stages.c.id == _ID).with_for_update()
    )
    for cards in (LEADS, DEALS)
}


def is_moving(session: Session, cards: Cards, stage_id: int) -> bool:
    """Whether a stage is being deleted, and its records are on their way."""
    row = session.fetch_one(_MOVING[cards], of_stage=stage_id)
    return row is not None and row[0] is not None


def lock_moving(session: Session, cards: Cards, stage_id: int) -> int | None:
    """Lock a stage that is being deleted, so that nothing enters it; the stage that its records go to."""
    row = session.fetch_one(_LOCK_MOVING[cards], of_stage=stage_id)
    return None if row is None else row[0]
