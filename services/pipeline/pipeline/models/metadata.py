"""The service's metadata, and what its tables share."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, text

from chassis.db.tables import chassis_tables, new_metadata, timestamp

metadata = new_metadata()
chassis_tables(metadata)


def percent(column: str) -> CheckConstraint:
    """That a column is null or a whole number of percent."""
    return CheckConstraint(f"{column} IS NULL OR {column} BETWEEN 0 AND 100", name=column)


def currency(column: str = "currency") -> CheckConstraint:
    """That a column has the form of an ISO 4217 code."""
    return CheckConstraint(f"{column} ~ '^[A-Z]{{3}}$'", name=column)


def on_board() -> tuple[Column[Any], ...]:
    """Where a card lies in its column (smaller is higher), since when, and where it was before it closed."""
    return (
        Column("position", BigInteger, nullable=False, server_default=text("0")),
        timestamp("stage_entered_at", default=True),
        timestamp("closed_at"),
        Column("last_open_stage_id", BigInteger),
        Column("reopen_count", Integer, nullable=False, server_default=text("0")),
    )


def by(table: str, column: str, where: str | None = None) -> Index:
    """For lists in the order of a column."""
    given = None if where is None else text(where)
    return Index(f"ix_{table}_company_id_{column}", "company_id", column, "id", postgresql_where=given)


def late(table: str) -> tuple[Index, ...]:
    """For lists of what is overdue or stale: what is open, by its expected day and by its entry into the stage."""
    is_open = text("closed_at IS NULL AND archived_at IS NULL")
    return tuple(
        Index(f"ix_{table}_open_{column}", "company_id", column, "id", postgresql_where=is_open)
        for column in ("expected_close_date", "stage_entered_at")
    )
