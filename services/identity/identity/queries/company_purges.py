"""Companies that were purged."""

from typing import Any

from sqlalchemy import select

from chassis.db import company_purges
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.db.tables import CHASSIS
from chassis.errors import NotFound

_PURGES = CHASSIS.tables["company_purges"]
_SHOWN = ("company_id", "created_by", "created_at")
_GET = Prepared(select(*(_PURGES.c[name] for name in _SHOWN)).where(of_tenant(_PURGES)))


def get_purge(session: Session) -> dict[str, Any]:
    """The purge of the tenant, and how far identity itself is with it, in `state`. Raises NotFound."""
    row = session.fetch_one(_GET)
    if row is None:
        raise NotFound("purge_not_found", "No company of this number was purged.")
    return {**dict(zip(_SHOWN, row, strict=True)), "own": company_purges.state(session)}
