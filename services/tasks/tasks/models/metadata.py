"""The service's metadata, and what a task, a series and an activity may be about."""

from sqlalchemy import BigInteger, Column

from chassis.db.tables import chassis_tables, new_metadata

metadata = new_metadata()
chassis_tables(metadata)


def subjects() -> tuple[Column[object], ...]:
    """What a record may be about."""
    return tuple(Column(name, BigInteger) for name in ("customer_id", "lead_id", "deal_id"))
