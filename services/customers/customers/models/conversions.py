"""Conversions of leads, as far as they are the customers' part."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import one_of, tenant_table
from customers import rules
from customers.models.metadata import metadata
from customers.models.references import user

# What customers have done for conversions of leads, one row for each; undoing goes by it. A row without a start, which
# an undoing has left that came first, keeps the start from doing anything.
conversion_results = tenant_table(
    "conversion_results",
    metadata,
    Column("conversion_id", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("customer_id", BigInteger),
    Column("contact_id", BigInteger),
    Column("customer_created", Boolean, nullable=False, server_default=text("false")),
    Column("contact_created", Boolean, nullable=False, server_default=text("false")),
    # The names alone: the values are in the conversion, and a customer that is purged leaves none of them here.
    Column("filled", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("kept", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("error_code", String(60)),
    Column("error_detail", Text),
    Column("created_by", BigInteger),
    UniqueConstraint("company_id", "conversion_id"),
    one_of("state", rules.CONVERSION_STATES),
    user("created_by"),
    Index("ix_conversion_results_company_id_created_by", "company_id", "created_by"),
)
