"""What a record shows of itself: in answers, in events and in the audit log. No secret is in any of them."""

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select

from chassis.db.json_view import JsonView
from chassis.transfers import transfer_view
from customers.models import (
    IMPORT_TABLES,
    contacts,
    conversion_results,
    customer_duplicates,
    customer_exports,
    customer_merges,
    customer_transfers,
    customers,
    industries,
)
from imports.engine.tables import import_view

CUSTOMER = JsonView(
    customers,
    (
        "id",
        "company_id",
        "version",
        "customer_code",
        "name",
        "email",
        "phone",
        "phone_e164",
        "secondary_phone",
        "address",
        "city",
        "state",
        "country",
        "zip_code",
        "customer_type",
        "industry",
        "company_name",
        "website",
        "status",
        "source",
        "priority",
        "credit_limit",
        "notes",
        "tags",
        "created_by",
        "assigned_to",
        "created_at",
        "updated_at",
        "archived_at",
        "merged_into",
    ),
)

CONTACT = JsonView(
    contacts,
    (
        "id",
        "company_id",
        "version",
        "customer_id",
        "first_name",
        "last_name",
        "email",
        "phone",
        "phone_e164",
        "job_title",
        "is_primary",
        "created_by",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

# The states before and after stay inside: they are as large as the customers, and show what these were long ago.
CUSTOMER_MERGE = JsonView(
    customer_merges,
    ("id", "company_id", "version", "customer_id", "sources", "created_by", "undone_at", "created_at", "updated_at"),
)

CUSTOMER_IMPORT = import_view(IMPORT_TABLES.imports)


def _customer_of(column: ColumnElement[int]) -> ColumnElement[Any]:
    """Who a customer is, for somebody to recognise it."""
    names = ("id", "customer_code", "name", "company_name", "email", "phone")
    pairs: list[tuple[Any, Any]] = [(literal_column(f"'{name}'"), customers.c[name]) for name in names]
    shown = func.json_build_object(*(part for pair in pairs for part in pair))
    known = select(shown).where(customers.c.company_id == customer_duplicates.c.company_id, customers.c.id == column)
    return known.correlate(customer_duplicates).scalar_subquery()


CUSTOMER_DUPLICATE = JsonView(
    customer_duplicates,
    (
        "id",
        "company_id",
        "version",
        "customer",
        "other",
        "score",
        "reasons",
        "dismissed_at",
        "dismissed_by",
        "created_at",
        "updated_at",
    ),
    extra=(
        _customer_of(customer_duplicates.c.customer_id).label("customer"),
        _customer_of(customer_duplicates.c.other_id).label("other"),
    ),
)

CUSTOMER_EXPORT = JsonView(
    customer_exports, ("id", "company_id", "version", "format", "query", "created_by", "created_at", "updated_at")
)

INDUSTRY = JsonView(industries, ("id", "company_id", "version", "name", "created_at", "updated_at"))

CUSTOMER_TRANSFER = transfer_view(customer_transfers)

CONVERSION_RESULT = JsonView(
    conversion_results,
    (
        "id",
        "company_id",
        "version",
        "conversion_id",
        "state",
        "customer_id",
        "contact_id",
        "customer_created",
        "contact_created",
        "filled",
        "kept",
        "error_code",
        "error_detail",
        "created_by",
        "created_at",
        "updated_at",
    ),
)
