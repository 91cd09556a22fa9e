"""The tables of the sample service; the migrations say how they came about."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Numeric, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import (
    HIDDEN,
    LIVE,
    alphabetical,
    chassis_tables,
    exports_table,
    given_only,
    new_metadata,
    one_of,
    ordered,
    part_of,
    tenant_table,
    timestamp,
)
from chassis.db.tag_tables import tags_table
from chassis.purges import purges_table
from chassis.reference_purges import reference_purges_table
from chassis.references import CompanyReference, Reference, UserReference, tombstones_table
from chassis.transfers import transfer_table
from sample import rules

metadata = new_metadata()
chassis_tables(metadata)

# What is known of other services' records.
COMPANY = CompanyReference(metadata, Column("status", String(20), nullable=False, server_default="active"))
USERS = UserReference(metadata)
AUTHORS = Reference(
    "author",
    metadata,
    Column("name", String(255)),
    timestamp("archived_at"),
    owner="authors",
    tombstones=tombstones_table(metadata),
)
REFERENCES = (COMPANY, USERS, AUTHORS)

shelves = tenant_table(
    "shelves",
    metadata,
    Column("name", String(100), nullable=False),
    Column("room", String(100)),
    Column("created_by", BigInteger),
    timestamp("archived_at"),
    Column("archived_by_event", Uuid(as_uuid=False)),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    UniqueConstraint("company_id", "name"),
    Index("ix_shelves_company_id_created_at", "company_id", "created_at", "id"),
    given_only("shelves", "created_by"),
)

books = tenant_table(
    "books",
    metadata,
    Column("shelf_id", BigInteger, nullable=False),
    Column("title", String(255), nullable=False),
    # Where it stands on its shelf; many have none.
    Column("shelf_mark", String(20)),
    Column("status", String(20), nullable=False, server_default="present"),
    Column("price", Numeric(15, 2)),
    Column("notes", Text),
    Column("tags", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("author_id", BigInteger),
    Column("assigned_to", BigInteger),
    Column("created_by", BigInteger),
    timestamp("archived_at"),
    Column("archived_by_event", Uuid(as_uuid=False)),
    one_of("status", rules.STATUSES),
    CheckConstraint("jsonb_typeof(tags) = 'array'", name="tags"),
    part_of("shelves", "shelf_id"),
    # The worker has taken the author out of their books before the reference goes.
    AUTHORS.foreign_key("author_id", ondelete="NO ACTION"),
    USERS.foreign_key("assigned_to", ondelete="SET NULL"),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    # The lists' indexes: every list is of one company.
    Index("ix_books_company_id_created_at", "company_id", "created_at", "id", postgresql_where=LIVE),
    Index("ix_books_archived", "company_id", "created_at", "id", postgresql_where=HIDDEN),
    Index("ix_books_company_id_updated_at", "company_id", "updated_at", "id"),
    Index("ix_books_company_id_shelf_mark", "company_id", "shelf_mark", "id"),
    alphabetical("books", "title"),
    ordered("books", "shelf_id"),
    ordered("books", "status"),
    ordered("books", "assigned_to"),
    ordered("books", "created_by"),
    given_only("books", "author_id"),
)

book_tags = tags_table("book_tags", metadata, "books", "book_id")

book_exports = exports_table(
    "book_exports",
    metadata,
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    Index("ix_book_exports_created_by", "company_id", "created_by"),
)

book_transfers = transfer_table("book_transfers", metadata, USERS)
book_transfers.append_constraint(Index("ix_book_transfers_user_id", "company_id", "user_id"))

author_purges = reference_purges_table("author", metadata)
user_purges = purges_table(metadata)
