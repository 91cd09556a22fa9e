"""Customers that are probably the same, and what was merged into what."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import part_of, tenant_table, timestamp
from customers.models.metadata import metadata
from customers.models.references import user

# Two customers that are probably the same, kept by a job. One that was dismissed stays: nobody is told of it again.
customer_duplicates = tenant_table(
    "customer_duplicates",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("other_id", BigInteger, nullable=False),
    Column("score", Integer, nullable=False),
    Column("reasons", JSONB, nullable=False),
    timestamp("dismissed_at"),
    Column("dismissed_by", BigInteger),
    UniqueConstraint("company_id", "customer_id", "other_id"),
    CheckConstraint("customer_id < other_id", name="order"),
    part_of("customers", "customer_id"),
    part_of("customers", "other_id"),
    user("dismissed_by"),
    Index("ix_customer_duplicates_company_id_other_id", "company_id", "other_id"),
    Index("ix_customer_duplicates_company_id_dismissed_by", "company_id", "dismissed_by"),
    Index("ix_customer_duplicates_company_id_score", "company_id", "score", "id"),
)
# How far that job is, in the order in which customers were last changed.
customer_comparisons = Table(
    "customer_comparisons",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    timestamp("seen_at", default=True),
    Column("seen_id", BigInteger, nullable=False),
    info={"tenant": "company_id"},
)

# What a merge changed, so that it can be undone: the records' states before, the target's after, whose contacts moved.
customer_merges = tenant_table(
    "customer_merges",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("sources", JSONB, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("contacts", JSONB, nullable=False),
    Column("created_by", BigInteger),
    timestamp("undone_at"),
    part_of("customers", "customer_id"),
    user("created_by"),
    Index("ix_customer_merges_company_id_customer_id", "company_id", "customer_id"),
    Index("ix_customer_merges_company_id_created_by", "company_id", "created_by"),
    Index("ix_customer_merges_company_id_created_at", "company_id", "created_at", "id"),
)
