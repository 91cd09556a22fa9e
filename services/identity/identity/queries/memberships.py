"""Which companies a user works for: asked across tenants, for one user."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, String, bindparam, column, func, select

from chassis.db.session import Session
from chassis.db.statements import Prepared

_COLUMNS = (
    column("company_id", BigInteger),
    column("name", String),
    column("company_status", String),
    column("role", String),
    column("status", String),
    column("is_primary", Boolean),
    column("joined_at", DateTime(timezone=True)),
)
# Row-level security shows one company at a time: see the function in migration 0001.
_COMPANIES_OF_USER = Prepared(
    select(*_COLUMNS).select_from(
        func.companies_of_user(bindparam("of_user", type_=BigInteger)).table_valued(*(c.name for c in _COLUMNS))
    )
)


@dataclass(frozen=True, slots=True)
class Workplace:
    """A company that a user is a member of."""

    company_id: int
    name: str
    company_status: str
    role: str
    status: str
    is_primary: bool
    joined_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether the user can work there now."""
        return self.status == "active" and self.company_status == "active"

    def document(self) -> dict[str, Any]:
        return {
            "id": self.company_id,
            "name": self.name,
            "status": self.company_status,
            "role": self.role,
            "member_status": self.status,
            "is_primary": self.is_primary,
            "joined_at": self.joined_at,
        }


def list_workplaces(session: Session, user_id: int) -> list[Workplace]:
    """All companies of a user, the primary one first, then by how long they have been there."""
    return [Workplace(*row) for row in session.fetch(_COMPANIES_OF_USER, of_user=user_id)]
