"""Exchange rates kept, and given to deals that closed before they were known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Date, Numeric, String, bindparam, func, or_, select

from chassis.context import acting_as, current
from chassis.db.bulk import change_many, lock_many
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import FieldError, Invalid
from pipeline.events import (
    DEAL_UPDATED,
    EXCHANGE_RATE_CREATED,
    EXCHANGE_RATE_DELETED,
    EXCHANGE_RATE_UPDATED,
)
from pipeline.models import USERS, deals, exchange_rates
from pipeline.queries.companies import get_company
from pipeline.queries.deals import RECORDS as DEALS
from pipeline.queries.exchange_rates import RECORDS
from pipeline.rules.money import refuse_currency

MOST_APPLIED = 2000
# A day of the company's zone begins and ends within a day of the same one in UTC.
_SLACK = timedelta(days=2)

_CURRENCY = bindparam("currency", type_=String())
_BASE = bindparam("base", type_=String())
_SINCE = bindparam("since", type_=Date())
_RATE = bindparam("rate", type_=Numeric())
_next = (
    select(func.min(exchange_rates.c.valid_on))
    .where(
        of_tenant(exchange_rates),
        exchange_rates.c.currency == _CURRENCY,
        exchange_rates.c.base_currency == _BASE,
        exchange_rates.c.valid_on > _SINCE,
    )
    .scalar_subquery()
)
_DIFFERENT = Prepared(
    select(deals.c.id)
    .where(
        of_tenant(deals),
        deals.c.currency == _CURRENCY,
        deals.c.closed_at >= func.timezone("UTC", _SINCE - _SLACK),
        deals.c.actual_close_date >= _SINCE,
        or_(_next.is_(None), deals.c.actual_close_date < _next),
        or_(
            deals.c.close_rate.is_distinct_from(_RATE),
            deals.c.close_rate_base.is_distinct_from(_BASE),
            deals.c.close_rate_date.is_distinct_from(_SINCE),
        ),
    )
    .order_by(deals.c.id)
    .limit(MOST_APPLIED + 1)
)


def create_exchange_rate(session: Session, values: Mapping[str, Any]) -> Record:
    """Keep a rate, into the company's own currency where no other is named. Raises Invalid, IntegrityError."""
    base = values.get("base_currency") or get_company(session).base
    refuse_currency(values["currency"])
    refuse_currency(base, "/base_currency")
    if base == values["currency"]:
        detail = "A currency is worth one of itself."
        raise Invalid("validation_failed", detail, (FieldError("/currency", "invalid", detail),))
    USERS.ensure_actor(session)
    given = {**values, "base_currency": base, "created_by": current().user_id}
    return RECORDS.create(session, EXCHANGE_RATE_CREATED, given)


def update_exchange_rate(session: Session, rate_id: int, version: int, values: Mapping[str, Any]) -> Record:
    """Correct a rate; deals that have closed keep the one that was stored. Raises NotFound, PreconditionFailed."""
    return RECORDS.change(session, EXCHANGE_RATE_UPDATED, RECORDS.expect(session, rate_id, version), values)


def delete_exchange_rate(session: Session, rate_id: int, version: int) -> None:
    """Forget a rate; deals that have closed keep the one that was stored. Raises NotFound, PreconditionFailed."""
    RECORDS.delete(session, EXCHANGE_RATE_DELETED, RECORDS.expect(session, rate_id, version))


def apply_to_closed(session: Session, rate_id: int, version: int | None) -> tuple[int, bool]:
    """Store the rate on deals that closed while it held and have another one or none, each with its event.

    Answers on how many, and whether there are more: a step changes no more than it can lock, and is safe to repeat.
    Raises NotFound, PreconditionFailed.
    """
    rate = RECORDS.expect(session, rate_id, version).document
    found = session.fetch(
        _DIFFERENT, currency=rate["currency"], base=rate["base_currency"], since=rate["valid_on"], rate=rate["rate"]
    )
    ids = [deal_id for (deal_id,) in found[:MOST_APPLIED]]
    stored = {
        "close_rate": rate["rate"],
        "close_rate_base": rate["base_currency"],
        "close_rate_date": rate["valid_on"],
    }
    with acting_as(replace(current(), operation=f"exchange_rates/{rate_id}")):
        locked = [
            record
            for record in lock_many(session, DEALS, ids).values()
            # Reopened, or given another currency, between the two statements.
            if record.document["status"] != "open" and record.document["currency"] == rate["currency"]
        ]
        change_many(session, DEALS, DEAL_UPDATED, [(record, stored) for record in locked])
    return len(locked), len(found) > MOST_APPLIED
