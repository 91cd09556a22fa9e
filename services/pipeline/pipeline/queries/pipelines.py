"""Pipelines, and why deals are lost."""

from sqlalchemy import BigInteger, bindparam, select

from chassis.db.kinds import BOOLEAN, INTEGER, TEXT, TIMESTAMP
from chassis.db.listing import Listing
from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline.events import SOURCE
from pipeline.models import loss_reasons, pipelines
from pipeline.views import LOSS_REASON, PIPELINE

PIPELINES = Records(PIPELINE, source=SOURCE, noun="pipeline")
PIPELINE_LIST = Listing(
    PIPELINE,
    filters={"id": INTEGER, "name": TEXT, "is_default": BOOLEAN, "archived_at": TIMESTAMP},
    sorts=("order_index",),
    default_sort=(("order_index", False),),
    default={"archived_at": pipelines.c.archived_at.is_(None)},
)
LOSS_REASONS = Records(LOSS_REASON, source=SOURCE, noun="loss reason")
LOSS_REASON_LIST = Listing(
    LOSS_REASON,
    filters={"id": INTEGER, "name": TEXT, "is_active": BOOLEAN},
    sorts=("order_index", "name"),
    alphabetical=("name",),
    default_sort=(("order_index", False),),
)

_DEFAULT = Prepared(select(pipelines.c.id).where(of_tenant(pipelines), pipelines.c.is_default))
_ANY = Prepared(select(pipelines.c.id).where(of_tenant(pipelines)).limit(1))
_REASON = Prepared(
    select(loss_reasons.c.id, loss_reasons.c.name, loss_reasons.c.requires_text, loss_reasons.c.is_active)
    .where(of_tenant(loss_reasons), loss_reasons.c.id == bindparam("of_reason", type_=BigInteger()))
    .with_for_update(read=True, key_share=True)
)


def find_default_pipeline(session: Session) -> int | None:
    """The id of the pipeline that is meant where none is named."""
    row = session.fetch_one(_DEFAULT)
    return None if row is None else row[0]


def is_set_up(session: Session) -> bool:
    """Whether the company has its stages: a pipeline never goes for good."""
    return session.fetch_one(_ANY) is not None


def find_loss_reason(session: Session, reason_id: int) -> tuple[int, str, bool, bool] | None:
    """A loss reason: its id, name, whether it asks for a text, and whether it may still be chosen."""
    row = session.fetch_one(_REASON, of_reason=reason_id)
    return None if row is None else (row[0], row[1], row[2], row[3])
