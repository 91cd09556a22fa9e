"""Contacts: the people at a customer."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Text, Uuid, text

from chassis.db.tables import email_check, part_of, search_index, tenant_table, timestamp
from customers.models.metadata import metadata
from customers.models.references import user

contacts = tenant_table(
    "contacts",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("first_name", String(100), nullable=False),
    Column("last_name", String(100)),
    Column("email", String(255)),
    Column("phone", String(50)),
    Column("job_title", String(100)),
    Column("is_primary", Boolean, nullable=False, server_default=text("false")),
    Column("created_by", BigInteger),
    timestamp("archived_at"),
    Column("archived_by_event", Uuid),
    Column("email_norm", Text),
    Column("phone_e164", Text),
    # What search_contacts() looks in: names, e-mail, job and digits of the phone, folded by a trigger.
    Column("search_text", Text),
    part_of("customers", "customer_id"),
    user("created_by"),
    email_check(),
    Index("ix_contacts_company_id_customer_id", "company_id", "customer_id"),
    Index("ix_contacts_company_id_email_norm", "company_id", "email_norm"),
    Index("ix_contacts_company_id_phone_e164", "company_id", "phone_e164"),
    Index("ix_contacts_company_id_created_by", "company_id", "created_by"),
    Index("ix_contacts_company_id_created_at", "company_id", "created_at", "id"),
    search_index("contacts"),
    Index(
        "uq_contacts_company_id_customer_id_primary",
        "company_id",
        "customer_id",
        unique=True,
        postgresql_where=text("is_primary AND archived_at IS NULL"),
    ),
)
