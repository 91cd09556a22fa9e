"""The demo data: two tenants, their sales people, customers and contacts, the same at every run but for the dates."""

from crm.client.demo.contacts import Contact, contacts
from crm.client.demo.customers import COLUMNS, created_at, customers, write_csv
from crm.client.demo.record import Customer
from crm.client.demo.tenants import CONTOSO, NORTHWIND, TENANTS, Member, Tenant

__all__ = [
    "COLUMNS",
    "CONTOSO",
    "NORTHWIND",
    "TENANTS",
    "Contact",
    "Customer",
    "Member",
    "Tenant",
    "contacts",
    "created_at",
    "customers",
    "write_csv",
]
