"""The conventions of every table, and the tables that each service has for the chassis' sake."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# The collation of what people read in order: letters by their base, then by their accents, then by their case. It is
# in every database of a PostgreSQL with ICU, and deterministic, so that equal is what is equal byte for byte.
ALPHABET = "und-x-icu"
LIVE = text("archived_at IS NULL")
HIDDEN = text("archived_at IS NOT NULL")


def new_metadata() -> MetaData:
    """A service's metadata, with the naming convention that error translation and migrations rely on."""
    return MetaData(naming_convention=NAMING)


def timestamp(name: str, *, default: bool = False) -> Column[Any]:
    """A TIMESTAMPTZ column; with `default` it is NOT NULL and the database sets it."""
    return Column(name, DateTime(timezone=True), nullable=not default, server_default=func.now() if default else None)


def tenant_table(name: str, metadata: MetaData, *items: SchemaItem) -> Table:
    """A table that tenants own: id, company_id, version, created_at, updated_at, and what `items` add.

    The key is `(company_id, id)`: foreign keys carry the tenant, and a table can be spread by tenant. The database
    draws the ids, so one alone names a record as well. `version` starts at 1 and rises by one with every change; it is
    the ETag and the event's aggregate version.
    """
    columns = [item for item in items if isinstance(item, Column)]
    # After all columns, so that an index may name any of them.
    others = [item for item in items if not isinstance(item, Column)]
    return Table(
        name,
        metadata,
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("company_id", BigInteger, nullable=False),
        Column("version", Integer, nullable=False, server_default=text("1")),
        *columns,
        timestamp("created_at", default=True),
        timestamp("updated_at", default=True),
        PrimaryKeyConstraint("company_id", "id"),
        *others,
        info={"tenant": "company_id"},
    )


def one_of(column: str, allowed: Sequence[str], *, name: str | None = None) -> CheckConstraint:
    """That a column holds one of these words, or nothing where it may; `name` where the column's has to be quoted."""
    values = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({values})", name=name or column)


def email_check() -> CheckConstraint:
    """That an e-mail address has two parts and no blank; the rules of `people.emails` know the rest."""
    return CheckConstraint("email ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name="email")


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
    """When a record was archived, by which event, and whether it went along with its customer or another whole."""
    return (
        timestamp("archived_at"),
        Column("archived_by_event", Uuid(as_uuid=False)),
        Column("archived_with_customer", Boolean, nullable=False, server_default=text("false")),
    )


def ordered(
    table: str, column: str, *more: str, where: str | None = None, include: Sequence[str] | None = None
) -> Index:
    """For lists of what has the same value in a column, in the order of `more`, else of created_at."""
    name = f"ix_{table}_{column}_{'_'.join(more) or 'created_at'}"
    columns = ("company_id", column, *(more or ("created_at",)), "id")
    return Index(name, *columns, postgresql_where=None if where is None else text(where), postgresql_include=include)


def alphabetical(table: str, column: str, *more: str) -> Index:
    """For lists that are sorted by a text as people read it: `Listing.alphabetical`."""
    return Index(f"ix_{table}_{column}_alphabetical", "company_id", text(f'{column} COLLATE "{ALPHABET}"'), *more, "id")


def given_only(table: str, column: str) -> Index:
    """For what is often empty: equality implies that it is not, and a row without it costs no write."""
    return Index(f"ix_{table}_{column}", "company_id", column, postgresql_where=text(f"{column} IS NOT NULL"))


def exports_table(name: str, metadata: MetaData, *items: SchemaItem) -> Table:
    """Who took which records out of the system; the export itself is kept nowhere.

    `items` say who `created_by` is, and index it.
    """
    return tenant_table(
        name,
        metadata,
        Column("format", String(10), nullable=False),
        Column("query", Text, nullable=False),
        Column("created_by", BigInteger),
        *items,
        Index(f"ix_{name}_company_id_created_at", "company_id", "created_at", "id"),
    )


def search_index(table: str) -> Index:
    """The index of a search, of keys that are of a company and of three characters of `search_text` together.

    `chassis.db.search_migration` creates it, and whatever else a search needs.
    """
    return Index(
        f"ix_{table}_grams",
        text("public.text_grams(company_id, search_text)"),
        postgresql_using="gin",
        # Every search reads the list of what is new.
        postgresql_with={"gin_pending_list_limit": 64},
    )


def chassis_tables(metadata: MetaData) -> None:
    """Add outbox, inbox, message_attempts, failed_messages, idempotency_keys, company_purges to a service's metadata.

    Beside the outbox are the books on it, outbox_pending and outbox_published. The statements in `chassis.db` and
    `chassis.broker` are written against these names; the migration helpers `create_chassis_tables` and
    `create_company_purges` of `chassis.db.migrations` create them from here, so that there is one description.
    """
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False, unique=True),
        Column("company_id", BigInteger, nullable=False),
        Column("aggregate_type", String(100), nullable=False),
        Column("aggregate_id", BigInteger, nullable=False),
        Column("aggregate_version", Integer, nullable=False),
        Column("type", String(200), nullable=False),
        Column("routing_key", String(255), nullable=False),
        Column("correlation_id", String(64)),
        Column("body", LargeBinary, nullable=False),
        timestamp("occurred_at", default=True),
        UniqueConstraint("aggregate_type", "aggregate_id", "aggregate_version"),
        info={"tenant": "company_id"},
    )
    # The events that wait, by the ids of their rows: a trigger adds them, and the relay deletes what was confirmed.
    Table(
        "outbox_pending",
        metadata,
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("aggregate_type", String(100), nullable=False),
        Column("aggregate_id", BigInteger, nullable=False),
        timestamp("occurred_at", default=True),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        timestamp("next_attempt_at", default=True),
        Column("last_error", Text),
    )
    # Those that were published, a row for each batch of the relay's.
    Table(
        "outbox_published",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        timestamp("published_at", default=True),
        Column("ids", ARRAY(BigInteger), nullable=False),
        Index("ix_outbox_published_published_at", "published_at"),
    )
    Table(
        "inbox",
        metadata,
        Column("consumer", String(100), primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        timestamp("received_at", default=True),
        Index("ix_inbox_received_at", "received_at"),
    )
    Table(
        "message_attempts",
        metadata,
        Column("consumer", String(100), primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("attempts", SmallInteger, nullable=False),
        timestamp("last_attempt_at", default=True),
    )
    Table(
        "failed_messages",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("consumer", String(100), nullable=False),
        Column("event_id", Uuid),
        Column("routing_key", String(255), nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("error", Text, nullable=False),
        Column("history", JSONB, nullable=False),
        timestamp("failed_at", default=True),
        timestamp("replayed_at"),
        Index("ix_failed_messages_failed_at", "failed_at"),
    )
    Table(
        "idempotency_keys",
        metadata,
        Column("company_id", BigInteger, primary_key=True),
        Column("principal", String(64), primary_key=True),
        Column("route", String(200), primary_key=True),
        Column("key", String(255), primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        timestamp("created_at", default=True),
        Index("ix_idempotency_keys_created_at", "created_at"),
        info={"tenant": "company_id"},
    )
    # The companies that were purged, by numbers alone. A row stays for good: by it nothing late brings one back.
    tenant_table(
        "company_purges",
        metadata,
        Column("created_by", BigInteger),
        Column("event_id", Uuid(as_uuid=False), nullable=False),
        Column("correlation_id", String(64), nullable=False),
        # The first transaction that knew of it: those before may not.
        Column("known_from", BigInteger),
        Column("changed", BigInteger, nullable=False, server_default=text("0")),
        timestamp("finished_at"),
        UniqueConstraint("company_id"),
        Index("ix_company_purges_pending", "company_id", "id", postgresql_where=text("finished_at IS NULL")),
    )


CHASSIS = new_metadata()
"""The chassis' tables by themselves, for the statements that are the same in every service."""
chassis_tables(CHASSIS)
