"""The service's metadata, and how its tables name each other."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, Uuid, text

from chassis.db.tables import chassis_tables, new_metadata, timestamp

metadata = new_metadata()
chassis_tables(metadata)

LIVE = text("archived_at IS NULL")
HIDDEN = text("archived_at IS NOT NULL")


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    """That a column holds one of these words, or nothing where it may."""
    values = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def percent(column: str) -> CheckConstraint:
    """That a column is null or a whole number of percent."""
    return CheckConstraint(f"{column} IS NULL OR {column} BETWEEN 0 AND 100", name=column)


def currency(column: str = "currency") -> CheckConstraint:
    """That a column has the form of an ISO 4217 code."""
    return CheckConstraint(f"{column} ~ '^[A-Z]{{3}}$'", name=column)


def part_of(table: str, column: str) -> ForeignKeyConstraint:
    """A record of the same company that takes the row with it when it goes."""
    return ForeignKeyConstraint(["company_id", column], [f"{table}.company_id", f"{table}.id"], ondelete="CASCADE")


def linked(table: str, column: str, *, later_in: str | None = None) -> ForeignKeyConstraint:
    """A record of the same company without which the row stays.

    Where two tables name each other, one of the keys is added later, in the table named.
    """
    return ForeignKeyConstraint(
        ["company_id", column],
        [f"{table}.company_id", f"{table}.id"],
        ondelete=f"SET NULL ({column})",
        use_alter=later_in is not None,
        name=None if later_in is None else f"fk_{later_in}_company_id_{column}",
    )


def archivable() -> tuple[Column[Any], ...]:
    """When a record was hidden, by which event, and whether its customer took it along."""
    return (
        timestamp("archived_at"),
        Column("archived_by_event", Uuid(as_uuid=False)),
        Column("archived_with_customer", Boolean, nullable=False, server_default=text("false")),
    )


def on_board() -> tuple[Column[Any], ...]:
    """Where a card lies in its column (smaller is higher), since when, and where it was before it closed."""
    return (
        Column("position", BigInteger, nullable=False, server_default=text("0")),
        timestamp("stage_entered_at", default=True),
        timestamp("closed_at"),
        Column("last_open_stage_id", BigInteger),
        Column("reopen_count", Integer, nullable=False, server_default=text("0")),
    )


def ordered(table: str, column: str, *more: str, where: str | None = None, include: list[str] | None = None) -> Index:
    """For lists of what has the same value here, in their order."""
    name = f"ix_{table}_{column}_{'_'.join(more) or 'created_at'}"
    columns = ("company_id", column, *(more or ("created_at",)), "id")
    given = None if where is None else text(where)
    return Index(name, *columns, postgresql_where=given, postgresql_include=include)


def by(table: str, column: str, where: str | None = None) -> Index:
    """For lists in the order of a column."""
    given = None if where is None else text(where)
    return Index(f"ix_{table}_company_id_{column}", "company_id", column, "id", postgresql_where=given)


def given_only(table: str, column: str) -> Index:
    """For what is often empty: equality implies that it is not, and a row without it costs no write."""
    return Index(f"ix_{table}_{column}", "company_id", column, postgresql_where=text(f"{column} IS NOT NULL"))
