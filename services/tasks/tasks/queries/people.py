"""What is known of people: whether they are active, in which zone they live, how they want to be reminded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, and_, bindparam, func, literal, select

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from tasks.models import company_refs, user_refs, user_settings
from tasks.rules.reminders import DAY_STARTS_AT
from tasks.rules.zones import zone_of

_USER = bindparam("of_user", type_=BigInteger)
_company = select(company_refs.c.time_zone).where(of_tenant(company_refs)).scalar_subquery()
_zone = func.coalesce(user_settings.c.time_zone, _company, literal("UTC"))
_settings = and_(of_tenant(user_settings), user_settings.c.user_id == _USER)
_ZONE = Prepared(select(func.coalesce(select(user_settings.c.time_zone).where(_settings).scalar_subquery(), _company)))
# Under a lock that an event about the user has to wait for: whoever is assigned to before it is still there to be moved
# when it comes, and nobody is assigned to after it.
_MEMBER = Prepared(
    select(
        user_refs.c.is_active,
        _zone,
        user_settings.c.day_starts_at,
        user_settings.c.default_reminders,
    )
    .select_from(user_refs.outerjoin(user_settings, _settings))
    .where(of_tenant(user_refs), user_refs.c.user_id == _USER)
    .with_for_update(read=True, of=user_refs)
)
_SETTING = Prepared(select(company_refs.c.settings).where(company_refs.c.company_id == TENANT))


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the company, as far as tasks care."""

    id: int
    is_active: bool = True
    time_zone: str = "UTC"
    day_starts_at: time = DAY_STARTS_AT
    default_reminders: tuple[Mapping[str, Any], ...] = ()


def find_person(session: Session, user_id: int) -> Person | None:
    """What is known of a user, who stays so until the transaction ends; None for nobody that is known."""
    session.begin()
    row = session.fetch_one(_MEMBER, of_user=user_id)
    if row is None:
        return None
    return Person(user_id, row[0], row[1], row[2] or DAY_STARTS_AT, tuple(row[3] or ()))


def zone_of_caller(session: Session) -> str:
    """The caller's zone: their own, else the company's."""
    row = session.fetch_one(_ZONE, of_user=current().user_id)
    return row[0] if row is not None and row[0] is not None else "UTC"


def asked_zone(session: Session, name: str | None) -> ZoneInfo:
    """The zone that a request names, else the caller's. Raises Invalid."""
    return zone_of(name or zone_of_caller(session))


def company_settings(session: Session) -> Mapping[str, Any]:
    """What the company has set."""
    row = session.fetch_one(_SETTING)
    return {} if row is None else dict(row[0])
