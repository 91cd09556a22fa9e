"""Members who were purged."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, literal_column, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from identity.models import member_purges

_SHOWN = ("user_id", "transfer_to", "activities", "created_by", "event_id", "created_at")
_NEWEST = Prepared(
    select(*(member_purges.c[name] for name in _SHOWN))
    .where(of_tenant(member_purges), member_purges.c.user_id == bindparam("of_user", type_=BigInteger))
    .order_by(member_purges.c.id.desc())
    .limit(literal_column("1"))
)


def get_purge(session: Session, user_id: int) -> dict[str, Any]:
    """The newest purge of a user, who may have joined again after an older one. Raises NotFound."""
    row = session.fetch_one(_NEWEST, of_user=user_id)
    if row is None:
        raise NotFound("purge_not_found", "Nobody of this number was purged in this company.")
    return dict(zip(_SHOWN, row, strict=True))
