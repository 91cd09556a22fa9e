"""Pipelines, and why deals are lost."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, or_, select

from chassis.db.bulk import create_many
from chassis.db.locks import lock_name
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from pipeline.commands.setup import ensure_setup
from pipeline.events import (
    DEAL_STAGE_CREATED,
    LOSS_REASON_CREATED,
    LOSS_REASON_DELETED,
    LOSS_REASON_UPDATED,
    PIPELINE_ARCHIVED,
    PIPELINE_CREATED,
    PIPELINE_UPDATED,
)
from pipeline.models import deal_stages, deals, leads, loss_reasons, pipelines
from pipeline.queries.pipelines import LOSS_REASONS, PIPELINES, find_default_pipeline
from pipeline.queries.stages import DEAL_STAGES
from pipeline.rules.stages import SEEDED_DEAL_STAGES

_PIPELINE = bindparam("of_pipeline", type_=BigInteger())
_REASON = bindparam("of_reason", type_=BigInteger())
_LAST = Prepared(select(func.coalesce(func.max(pipelines.c.order_index), 0)).where(of_tenant(pipelines)))
_LAST_REASON = Prepared(select(func.coalesce(func.max(loss_reasons.c.order_index), 0)).where(of_tenant(loss_reasons)))
_LOCK_STAGES = Prepared(
    select(deal_stages.c.id)
    .where(of_tenant(deal_stages), deal_stages.c.pipeline_id == _PIPELINE)
    .order_by(deal_stages.c.id)
    .with_for_update()
)
_OPEN = Prepared(
    select(deals.c.id)
    .where(of_tenant(deals), deals.c.pipeline_id == _PIPELINE, deals.c.status == "open", deals.c.archived_at.is_(None))
    .limit(1)
)
_USED = Prepared(
    select(
        or_(
            *(
                select(table.c.id).where(of_tenant(table), table.c.loss_reason_id == _REASON).exists()
                for table in (leads, deals)
            )
        )
    )
)


def create_pipeline(session: Session, values: Mapping[str, Any]) -> Record:
    """Create a pipeline with the stages that every company begins with. Raises IntegrityError for a name taken."""
    ensure_setup(session)
    lock_name(session, "pipeline:stages")
    [(last,)] = session.fetch(_LAST)
    is_default = bool(values.get("is_default"))
    if is_default:
        _take_default(session)
    pipeline = PIPELINES.create(session, PIPELINE_CREATED, {**values, "order_index": last + 1})
    stages = [{**stage, "pipeline_id": pipeline.id} for stage in SEEDED_DEAL_STAGES]
    create_many(session, DEAL_STAGES, DEAL_STAGE_CREATED, stages)
    return pipeline


def update_pipeline(session: Session, pipeline_id: int, version: int, values: Mapping[str, Any]) -> Record:
    """Change a pipeline; another default takes it from the one before. Raises as `archive_pipeline`, and Invalid."""
    lock_name(session, "pipeline:stages")
    before = PIPELINES.expect(session, pipeline_id, version)
    PIPELINES.refuse_archived(before)
    default = values.get("is_default")
    if default is False and before.document["is_default"]:
        detail = "Make another pipeline the default instead."
        raise Invalid("validation_failed", detail, (FieldError("/is_default", "invalid", detail),))
    if default and not before.document["is_default"]:
        _take_default(session)
    return PIPELINES.change(session, PIPELINE_UPDATED, before, values)


def archive_pipeline(session: Session, pipeline_id: int, version: int) -> None:
    """Hide a pipeline; what is closed stays on it and is reported. Raises NotFound, PreconditionFailed, Conflict."""
    lock_name(session, "pipeline:stages")
    before = PIPELINES.expect(session, pipeline_id, version)
    PIPELINES.refuse_archived(before)
    # Whoever creates or moves a deal holds its stage: after this nobody does.
    session.fetch(_LOCK_STAGES, of_pipeline=pipeline_id)
    if before.document["is_default"] or session.fetch_one(_OPEN, of_pipeline=pipeline_id) is not None:
        raise Conflict("pipeline_in_use", "The pipeline is the default or has open deals.")
    PIPELINES.change(session, PIPELINE_ARCHIVED, before, {"archived_at": NOW})


def _take_default(session: Session) -> None:
    current = find_default_pipeline(session)
    if current is not None:
        before = PIPELINES.get(session, current, lock=True)
        PIPELINES.change(session, PIPELINE_UPDATED, before, {"is_default": False})


def create_loss_reason(session: Session, values: Mapping[str, Any]) -> Record:
    """Add a reason, behind the others. Raises IntegrityError for a name that is taken."""
    ensure_setup(session)
    [(last,)] = session.fetch(_LAST_REASON)
    return LOSS_REASONS.create(session, LOSS_REASON_CREATED, {**values, "order_index": last + 1})


def update_loss_reason(session: Session, reason_id: int, version: int, values: Mapping[str, Any]) -> Record:
    """Change a reason; what was lost for it keeps the text of its moment. Raises NotFound, PreconditionFailed."""
    return LOSS_REASONS.change(session, LOSS_REASON_UPDATED, LOSS_REASONS.expect(session, reason_id, version), values)


def delete_loss_reason(session: Session, reason_id: int, version: int) -> None:
    """Delete a reason that nothing was lost for. Raises NotFound, PreconditionFailed, Conflict."""
    before = LOSS_REASONS.expect(session, reason_id, version)
    if session.fetch(_USED, of_reason=reason_id)[0][0]:
        raise Conflict("reason_in_use", "Something was lost for this reason; make it inactive instead.")
    LOSS_REASONS.delete(session, LOSS_REASON_DELETED, before)
