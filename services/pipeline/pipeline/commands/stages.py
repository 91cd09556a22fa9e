"""Stages administered while records are in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select

from chassis.db.locks import lock_name
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from chassis.events import EventType
from pipeline.commands.setup import ensure_setup
from pipeline.events import DEAL_STAGE_CREATED, DEAL_STAGE_UPDATED, LEAD_STAGE_CREATED, LEAD_STAGE_UPDATED
from pipeline.models import deal_stages, lead_stages
from pipeline.queries import stages as queries
from pipeline.queries.cards import DEALS, LEADS, Cards
from pipeline.queries.pipelines import PIPELINES
from pipeline.queries.stages import DEAL_STAGES, LEAD_STAGES
from pipeline.rules.probabilities import CERTAIN
from pipeline.rules.stages import DEALS_NEED, LEADS_NEED, Group, Stage, group_of, is_last, slug

_CATEGORIES = {"open": "pipeline", "won": "closed", "lost": "omitted"}
_LAST_OF_LEADS = Prepared(select(func.coalesce(func.max(lead_stages.c.order_index), 0)).where(of_tenant(lead_stages)))
_LAST_OF_DEALS = Prepared(
    select(func.coalesce(func.max(deal_stages.c.order_index), 0)).where(
        of_tenant(deal_stages), deal_stages.c.pipeline_id == bindparam("of_pipeline", type_=BigInteger())
    )
)


def create_lead_stage(session: Session, values: Mapping[str, Any]) -> Record:
    """Add a stage of leads, behind the others. Raises IntegrityError for a name that is taken."""
    ensure_setup(session)
    _one_at_a_time(session)
    [(last,)] = session.fetch(_LAST_OF_LEADS)
    given = {**values, **_certain(values["lead_status"])}
    return LEAD_STAGES.create(session, LEAD_STAGE_CREATED, {**given, "order_index": last + 1})


def create_deal_stage(session: Session, pipeline_id: int, values: Mapping[str, Any]) -> Record:
    """Add a stage of a pipeline, behind the others. Raises NotFound, Conflict, IntegrityError for a code taken."""
    PIPELINES.refuse_archived(PIPELINES.get(session, pipeline_id, lock=True))
    _one_at_a_time(session)
    [(last,)] = session.fetch(_LAST_OF_DEALS, of_pipeline=pipeline_id)
    given = {"code": slug(values["name"]), "forecast_category": _CATEGORIES[values["kind"]]} | dict(values)
    given |= _certain(values["kind"])
    return DEAL_STAGES.create(
        session, DEAL_STAGE_CREATED, {**given, "pipeline_id": pipeline_id, "order_index": last + 1}
    )


def update_lead_stage(session: Session, stage_id: int, version: int, values: Mapping[str, Any]) -> Record:
    """Change a stage of leads. Raises NotFound, PreconditionFailed, Conflict, Invalid."""
    _one_at_a_time(session)
    before = LEAD_STAGES.expect(session, stage_id, version)
    return LEAD_STAGES.change(session, LEAD_STAGE_UPDATED, before, _fit(session, LEADS, before, values, LEADS_NEED))


def update_deal_stage(session: Session, stage_id: int, version: int, values: Mapping[str, Any]) -> Record:
    """Change a stage of deals; those that are in it keep their probability. Raises as `update_lead_stage`."""
    _one_at_a_time(session)
    before = DEAL_STAGES.expect(session, stage_id, version)
    return DEAL_STAGES.change(session, DEAL_STAGE_UPDATED, before, _fit(session, DEALS, before, values, DEALS_NEED))


def reorder_lead_stages(session: Session, ids: Sequence[int]) -> None:
    """Put the stages of leads into this order. Raises Invalid where these are not all of them, each once."""
    ensure_setup(session)
    _one_at_a_time(session)
    _reorder(session, LEAD_STAGES, LEAD_STAGE_UPDATED, queries.list_stages(session, LEADS), ids)


def reorder_deal_stages(session: Session, pipeline_id: int, ids: Sequence[int]) -> None:
    """Put the stages of a pipeline into this order. Raises as `reorder_lead_stages`."""
    _one_at_a_time(session)
    _reorder(session, DEAL_STAGES, DEAL_STAGE_UPDATED, queries.list_stages(session, DEALS, pipeline_id), ids)


def refuse_last(session: Session, cards: Cards, stage: Record, need: Sequence[Group]) -> None:
    """Raise Conflict where records of a kind would have no active stage left without this one."""
    document = stage.document
    known = queries.list_stages(session, cards, document.get("pipeline_id"))
    this = _stage_of(cards, document)
    if is_last(known, this, need):
        raise Conflict("last_stage_of_kind", f"{this.name!r} is the last active stage for what is {this.group}.")


def _fit(
    session: Session, cards: Cards, before: Record, values: Mapping[str, Any], need: Sequence[Group]
) -> dict[str, Any]:
    """What is to be written for the fields given. Raises Conflict for what the records of the company do not allow."""
    document = before.document
    kind = values.get(cards.kind, document[cards.kind])
    if kind != document[cards.kind]:
        refuse_used(session, cards, before.id)
    leaves = group_of(kind) != group_of(document[cards.kind]) or not values.get("is_active", True)
    if leaves:
        refuse_last(session, cards, before, need)
    if values.get("is_active") and not document["is_active"] and queries.is_moving(session, cards, before.id):
        raise Conflict("stage_in_use", "The stage is being deleted: its records are on their way to another.")
    return {**values, **_certain(kind)}


def refuse_used(session: Session, cards: Cards, stage_id: int) -> None:
    """Raise Conflict, with their counts, where any record is in a stage: also one that is archived and not seen."""
    if queries.is_used(session, cards, stage_id):
        counts = queries.count_in_stage(session, cards, stage_id)
        raise Conflict("stage_in_use", f"There are {cards.listing.view.name} in this stage.", members=counts)


def _certain(kind: str) -> dict[str, int]:
    """The probability that a stage of what is closed has, whatever was said of another."""
    certain = CERTAIN.get(group_of(kind))
    return {} if certain is None else {"probability": certain}


def _reorder(
    session: Session, records: Records, event_type: EventType, known: Sequence[Stage], ids: Sequence[int]
) -> None:
    if len(set(ids)) != len(ids) or set(ids) != {stage.id for stage in known}:
        detail = "Name each of the stages once, and no other."
        raise Invalid("stages_differ", detail, (FieldError("/ids", "stages_differ", detail),))
    # In the order of their ids, as whoever changes several locks them.
    for stage_id, place in sorted((stage_id, place) for place, stage_id in enumerate(ids, 1)):
        before = records.get(session, stage_id, lock=True)
        records.change(session, event_type, before, {"order_index": place})


def _one_at_a_time(session: Session) -> None:
    """Of two who take away the last two stages of a kind the second sees what the first has left."""
    lock_name(session, "pipeline:stages")


def _stage_of(cards: Cards, document: Mapping[str, Any]) -> Stage:
    return Stage(
        document["id"],
        document["name"],
        document[cards.kind],
        document["order_index"],
        document["is_active"],
        document["probability"],
    )
