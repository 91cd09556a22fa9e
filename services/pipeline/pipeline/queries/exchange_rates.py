"""Exchange rates: one by one, in lists, and the one that holds on a day."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

import orjson
from sqlalchemy import ColumnElement, Date, Select, String, bindparam, column, select, true
from sqlalchemy.sql.selectable import LateralFromClause

from chassis.db.bulk import json_rows
from chassis.db.kinds import TEXT
from chassis.db.listing import Listing
from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline import views
from pipeline.events import SOURCE
from pipeline.models import exchange_rates

RECORDS = Records(views.EXCHANGE_RATE, source=SOURCE, noun="exchange rate")
EXCHANGE_RATES = Listing(
    views.EXCHANGE_RATE,
    filters={"currency": TEXT, "base_currency": TEXT},
    sorts=("valid_on",),
    default_sort=(("valid_on", True),),
)

_CURRENCY = bindparam("currency", type_=String())
_BASE = bindparam("base", type_=String())
_DAY = bindparam("day", type_=Date())


def _newest(
    currency: ColumnElement[str], base: ColumnElement[str], day: ColumnElement[date]
) -> Select[tuple[Decimal, date]]:
    """The rate that holds on a day: the newest of those valid by then. No inverse and no cross rate is guessed."""
    return (
        select(exchange_rates.c.rate, exchange_rates.c.valid_on)
        .where(
            of_tenant(exchange_rates),
            exchange_rates.c.currency == currency,
            exchange_rates.c.base_currency == base,
            exchange_rates.c.valid_on <= day,
        )
        .order_by(exchange_rates.c.valid_on.desc())
        .limit(1)
    )


def rate_on(
    currency: ColumnElement[str], base: ColumnElement[str], day: ColumnElement[date], *but: ColumnElement[bool]
) -> LateralFromClause:
    """The same for each row of a statement, to be joined; under the conditions `but` alone is it looked for."""
    return _newest(currency, base, day).where(*but).lateral("held")


_FIND = Prepared(_newest(_CURRENCY, _BASE, _DAY))


def find_rate(session: Session, currency: str, base: str, day: date) -> tuple[Decimal, date] | None:
    """What one unit of a currency was worth on a day, in the base, and since when; None where nobody has said."""
    if currency == base:
        return Decimal(1), day
    row = session.fetch_one(_FIND, currency=currency, base=base, day=day)
    return None if row is None else (row[0], row[1])


_asked = json_rows("asked", column("currency", String), column("day", Date))
_held = rate_on(_asked.c.currency, _BASE, _asked.c.day)
_FIND_MANY = Prepared(
    select(_asked.c.currency, _asked.c.day, _held.c.rate, _held.c.valid_on).join_from(_asked, _held, true())
)


def find_rates(
    session: Session, base: str, wanted: Collection[tuple[str, date]]
) -> dict[tuple[str, date], tuple[Decimal, date]]:
    """The same for many currencies and days in one question; those of which nobody has said anything are left out."""
    found = {(currency, day): (Decimal(1), day) for currency, day in wanted if currency == base}
    rows = [{"currency": currency, "day": day} for currency, day in wanted if currency != base]
    if rows:
        for currency, day, rate, valid_on in session.fetch(_FIND_MANY, rows=orjson.dumps(rows).decode(), base=base):
            found[currency, day] = (rate, valid_on)
    return found
