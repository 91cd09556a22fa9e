"""The demo data: two tenants, their sales people, customers and contacts, the same at every run but for the dates."""

from crm.demo.contacts import Contact, contacts
from crm.demo.customers import COLUMNS, created_at, customers, write_csv
from crm.demo.record import Customer
from crm.demo.tenants import CONTOSO, NORTHWIND, TENANTS, Member, Tenant

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
