"""Transfers of customers that are under way, of all tenants."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, String, Uuid, bindparam, column, func, select

from chassis.db.session import Session
from chassis.db.statements import Prepared

MOST = 100

_COLUMNS = (
    column("company_id", BigInteger),
    column("id", BigInteger),
    column("event_id", Uuid(as_uuid=False)),
    column("correlation_id", String),
)
# There is no tenant yet: see the function in migration 0002.
_PENDING = Prepared(
    select(*_COLUMNS).select_from(
        func.pending_customer_transfers(bindparam("most", type_=Integer)).table_valued(*(c.name for c in _COLUMNS))
    )
)


@dataclass(frozen=True, slots=True)
class PendingTransfer:
    """A transfer that is not finished, and the circumstances that it goes on in."""

    company_id: int
    id: int
    event_id: str
    correlation_id: str


def list_pending_transfers(session: Session) -> list[PendingTransfer]:
    """The oldest transfers that are not finished."""
    return [PendingTransfer(row[0], row[1], str(row[2]), row[3]) for row in session.fetch(_PENDING, most=MOST)]
