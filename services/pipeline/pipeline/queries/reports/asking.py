"""From the parameters of a report to what it looks at."""

from datetime import datetime

from sqlalchemy import BigInteger, bindparam, or_, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from pipeline.models import pipelines
from pipeline.queries.companies import get_company
from pipeline.queries.reports.scope import Scope
from pipeline.rules.reporting import Asked, local_date

NARROWING = ("assigned_to", "source", "customer_id")

_ID = bindparam("of_id", type_=BigInteger())
_PIPELINE = Prepared(
    select(pipelines.c.id).where(
        of_tenant(pipelines), or_(pipelines.c.id == _ID, _ID.is_(None) & pipelines.c.is_default)
    )
)


def scope_of(session: Session, asked: Asked, names: tuple[str, ...], now: datetime, *, months: int = 1) -> Scope:
    """What a report looks at that takes the parameters `names`.

    Without a pipeline it is the default one, without days those of this month and the next, `months` of them. Raises
    NotFound, BadRequest.
    """
    company = get_company(session)
    today = local_date(now, company.zone)
    pipeline_id = None
    if "pipeline_id" in names:
        pipeline_id = asked["pipeline_id"]
        row = session.fetch_one(_PIPELINE, of_id=pipeline_id)
        if row is None:
            raise NotFound("pipeline_not_found", "There is no such pipeline.")
        pipeline_id = row[0]
    return Scope(
        base=company.base,
        zone=company.zone,
        now=now,
        pipeline_id=pipeline_id,
        window=asked.window(today, company.zone, months) if "from" in names else None,
        as_of=(asked["as_of"] or today) if "as_of" in names else None,
        narrowed={name: asked[name] for name in NARROWING if name in names},
    )
