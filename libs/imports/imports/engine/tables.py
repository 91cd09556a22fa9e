"""The tables of imports: files on their way in, their parts, their rows and what was wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.json_view import JsonView
from chassis.db.tables import one_of, part_of, tenant_table, timestamp
from chassis.references import UserReference
from imports.engine import lifecycle
from imports.rows import ERROR, WARNING
from imports.values import DATE_FORMATS, DECIMAL_MARKS

_COUNTS = (
    "processed_rows",
    "created_rows",
    "updated_rows",
    "unchanged_rows",
    "failed_rows",
    "duplicate_rows",
    "reverted_rows",
    "kept_rows",
)
# Only where files may hold several kinds of records.
_PROPOSED = "proposed_record_type"
_SHOWN = (
    "id",
    "company_id",
    "version",
    "filename",
    "record_type",
    _PROPOSED,
    "state",
    "mode",
    "match_by",
    "all_or_nothing",
    "encoding",
    "delimiter",
    "columns",
    "mapping",
    "profile",
    "header_line",
    *lifecycle.READING,
    "size",
    "total_rows",
    *_COUNTS,
    "error_code",
    "error_detail",
    "waiting_for",
    "waiting_since",
    "created_by",
    "started_at",
    "finished_at",
    "reverted_at",
    "created_at",
    "updated_at",
)


@dataclass(frozen=True, slots=True, eq=False)
class ImportTables:
    """The tables of one service's imports, or of one kind of them."""

    imports: Table
    parts: Table
    chunks: Table
    keys: Table
    errors: Table

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(table.name for table in (self.imports, self.parts, self.chunks, self.keys, self.errors))


def import_tables(
    noun: str,
    metadata: MetaData,
    users: UserReference,
    *,
    match_by: Sequence[str],
    record_types: Sequence[str],
    within: str | None = None,
) -> ImportTables:
    """Declare `order_imports` and what belongs to it, where `noun` is "order".

    `match_by` are the fields that records are found by, `record_types` what a file may hold, the usual one first.
    `within` begins the names of the other tables. `imports.engine.migrations` makes them.
    """
    name, within = f"{noun}_imports", within or f"{noun}_import"

    def numbered(table: str, *columns: Column[object], key: str = "number") -> Table:
        return Table(
            f"{within}_{table}",
            metadata,
            Column("company_id", BigInteger, primary_key=True),
            Column("import_id", BigInteger, primary_key=True),
            Column(key, BigInteger if key == "key" else Integer, primary_key=True),
            *columns,
            part_of(name, "import_id"),
            info={"tenant": "company_id"},
        )

    return ImportTables(
        imports=_imports(name, metadata, users, match_by, record_types),
        # The file as it came, until it has been read.
        parts=numbered("parts", Column("body", LargeBinary, nullable=False)),
        # Its rows, so many to a transaction.
        chunks=numbered(
            "chunks",
            Column("size", Integer, nullable=False),
            # How many numbers it will probably take from those that the import has put aside.
            Column("codes", Integer, nullable=False, server_default=text("0")),
            Column("rows", LargeBinary, nullable=False),
            # What became of them, which is what a revert goes by.
            Column("outcome", LargeBinary),
            # The rows as validation has read them, until they are run.
            Column("checked", LargeBinary),
        ),
        # What the rows of earlier chunks would do, by hashes of what later ones could meet them by; while it is
        # validated.
        keys=numbered("keys", Column("entry", JSONB, nullable=False), key="key"),
        errors=tenant_table(
            f"{within}_errors",
            metadata,
            Column("import_id", BigInteger, nullable=False),
            Column("chunk", Integer, nullable=False),
            Column("line", Integer, nullable=False),
            Column("column_name", Text),
            Column("code", String(60), nullable=False),
            Column("message", Text, nullable=False),
            Column("value", Text),
            Column("severity", String(10), nullable=False, server_default="error"),
            part_of(name, "import_id"),
            one_of("severity", (ERROR, WARNING)),
            Index(f"ix_{within}_errors_company_id_import_id", "company_id", "import_id", "chunk"),
            Index(f"ix_{within}_errors_company_id_import_id_line", "company_id", "import_id", "line", "id"),
        ),
    )


def _imports(
    name: str, metadata: MetaData, users: UserReference, match_by: Sequence[str], record_types: Sequence[str]
) -> Table:
    """What is known of a file, what is to be done with it, and how far that is."""
    zero = text("0")
    several = len(record_types) > 1
    return tenant_table(
        name,
        metadata,
        Column("filename", String(255), nullable=False),
        Column("record_type", String(20), nullable=False, server_default=record_types[0]),
        *[Column(_PROPOSED, String(20))] * several,
        Column("state", String(30), nullable=False, server_default=lifecycle.UPLOADING),
        Column("mode", String(10), nullable=False),
        Column("match_by", String(20)),
        Column("all_or_nothing", Boolean, nullable=False, server_default=text("false")),
        Column("encoding", String(40)),
        Column("delimiter", String(1)),
        Column("columns", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
        Column("mapping", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        # The system whose export it is, and how its cells are read.
        Column("profile", String(20)),
        Column("header_line", Integer, nullable=False, server_default=text("1")),
        Column("on_unknown", String(10)),
        Column("value_mapping", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        Column("date_format", String(20)),
        Column("decimal_mark", String(1)),
        Column("size", BigInteger, nullable=False, server_default=zero),
        Column("total_rows", Integer),
        *(Column(count, Integer, nullable=False, server_default=zero) for count in _COUNTS),
        Column("error_code", String(60)),
        Column("error_detail", Text),
        # The service without which it cannot go on, and since when that has not answered.
        Column("waiting_for", String(30)),
        timestamp("waiting_since"),
        # How far the worker is, and on whose behalf it goes on.
        Column("next_chunk", Integer, nullable=False, server_default=zero),
        Column("first_code", BigInteger),
        Column("own_only", Boolean, nullable=False, server_default=text("false")),
        Column("correlation_id", String(64), nullable=False),
        Column("created_by", BigInteger),
        timestamp("started_at"),
        timestamp("finished_at"),
        timestamp("reverted_at"),
        users.foreign_key("created_by", ondelete="SET NULL"),
        one_of("record_type", record_types),
        *[one_of(_PROPOSED, record_types)] * several,
        one_of("state", lifecycle.STATES),
        one_of("mode", lifecycle.MODES),
        one_of("match_by", match_by),
        one_of("on_unknown", lifecycle.ON_UNKNOWN),
        one_of("date_format", DATE_FORMATS),
        one_of("decimal_mark", DECIMAL_MARKS),
        CheckConstraint("mode = 'create' OR match_by IS NOT NULL", name="match"),
        Index(f"ix_{name}_company_id_created_by", "company_id", "created_by"),
        Index(f"ix_{name}_company_id_created_at", "company_id", "created_at", "id"),
        Index(f"ix_{name}_working", "company_id", "id", postgresql_where=text(f"state IN {lifecycle.WORKING}")),
    )


def import_view(table: Table) -> JsonView:
    """What an import shows of itself."""
    return JsonView(table, [name for name in _SHOWN if name != _PROPOSED or name in table.c])


def error_view(table: Table) -> JsonView:
    """What is shown of a fault."""
    return JsonView(table, ("id", "import_id", "line", "column_name", "code", "message", "value", "severity"))
