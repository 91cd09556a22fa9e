"""The service's metadata, and how its tables name each other."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Uuid, text

from chassis.db.tables import chassis_tables, new_metadata, timestamp

metadata = new_metadata()
chassis_tables(metadata)

LIVE = text("archived_at IS NULL")
HIDDEN = text("archived_at IS NOT NULL")


def one_of(column: str, allowed: tuple[str, ...], *, name: str | None = None) -> CheckConstraint:
    """That a column holds one of these words, or nothing where it may."""
    values = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({values})", name=name or column)


def _key_of(table: str) -> str:
    """The name of a record's id: references keep it under the name of their kind."""
    return table.replace("_refs", "_id") if table.endswith("_refs") else "id"


def part_of(table: str, column: str) -> ForeignKeyConstraint:
    """A record of the same company that takes the row with it when it goes."""
    return ForeignKeyConstraint(
        ["company_id", column], [f"{table}.company_id", f"{table}.{_key_of(table)}"], ondelete="CASCADE"
    )


def linked(table: str, column: str, *, later_in: str | None = None) -> ForeignKeyConstraint:
    """A record of the same company without which the row stays.

    Where two tables name each other, one of the keys is added later, in the table named.
    """
    return ForeignKeyConstraint(
        ["company_id", column],
        [f"{table}.company_id", f"{table}.{_key_of(table)}"],
        ondelete=f"SET NULL ({column})",
        use_alter=later_in is not None,
        name=None if later_in is None else f"fk_{later_in}_company_id_{column}",
    )


def of_user(column: str, *, ondelete: str | None = "SET NULL") -> ForeignKeyConstraint:
    """A user of the same company."""
    return ForeignKeyConstraint(
        ["company_id", column],
        ["user_refs.company_id", "user_refs.user_id"],
        ondelete=f"SET NULL ({column})" if ondelete == "SET NULL" else ondelete,
    )


def archivable() -> tuple[Column[object], ...]:
    """When a record was hidden, by which event, and whether its customer, lead or deal took it along."""
    return (
        timestamp("archived_at"),
        Column("archived_by_event", Uuid(as_uuid=False)),
        Column("archived_with_customer", Boolean, nullable=False, server_default=text("false")),
    )


def subjects() -> tuple[Column[object], ...]:
    """What a record may be about."""
    return tuple(Column(name, BigInteger) for name in ("customer_id", "lead_id", "deal_id"))


def ordered(table: str, column: str, *more: str, where: str | None = None) -> Index:
    """For lists of what has the same value here, in their order."""
    name = f"ix_{table}_{column}_{'_'.join(more) or 'created_at'}"
    columns = ("company_id", column, *(more or ("created_at",)), "id")
    return Index(name, *columns, postgresql_where=None if where is None else text(where))
