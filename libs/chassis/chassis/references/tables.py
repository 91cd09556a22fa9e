"""The tables that references are kept in, and that remembers which of them are gone for good."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, text

from chassis.db.tables import timestamp


def reference_table(kind: str, metadata: MetaData, *columns: Column[Any]) -> Table:
    """`<kind>_refs`: what is kept of each record of another service, under the tenant and the id that it has there.

    Version 0 is of a record that something here names and of which nobody has told anything yet.
    """
    return Table(
        f"{kind}_refs",
        metadata,
        Column("company_id", BigInteger, primary_key=True, autoincrement=False),
        Column(f"{kind}_id", BigInteger, primary_key=True, autoincrement=False),
        Column("version", Integer, nullable=False, server_default=text("0")),
        *columns,
        timestamp("updated_at", default=True),
        info={"tenant": "company_id"},
    )


def company_table(metadata: MetaData, columns: Sequence[Column[Any]]) -> Table:
    """`company_refs`: what is known of each tenant itself."""
    return Table(
        "company_refs",
        metadata,
        Column("company_id", BigInteger, primary_key=True, autoincrement=False),
        Column("version", Integer, nullable=False),
        *columns,
        timestamp("updated_at", default=True),
        info={"tenant": "company_id"},
    )


def tombstones_table(metadata: MetaData) -> Table:
    """`ref_tombstones`: the version at which a record was purged, so that nothing older brings it back."""
    return Table(
        "ref_tombstones",
        metadata,
        Column("company_id", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", String(50), primary_key=True),
        Column("ref_id", BigInteger, primary_key=True, autoincrement=False),
        Column("version", Integer, nullable=False),
        timestamp("created_at", default=True),
        info={"tenant": "company_id"},
    )
