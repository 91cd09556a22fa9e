"""The tables of the customers service; the names that the other layers use."""

from customers.models.contacts import contacts
from customers.models.conversions import conversion_results
from customers.models.customers import customer_codes, customer_exports, customer_tags, customers, industries
from customers.models.duplicates import customer_comparisons, customer_duplicates, customer_merges
from customers.models.imports import IMPORT_TABLES
from customers.models.metadata import metadata
from customers.models.moves import customer_transfers, user_purges
from customers.models.references import COMPANY, REFERENCES, USERS

__all__ = [
    "COMPANY",
    "IMPORT_TABLES",
    "REFERENCES",
    "USERS",
    "contacts",
    "conversion_results",
    "customer_codes",
    "customer_comparisons",
    "customer_duplicates",
    "customer_exports",
    "customer_merges",
    "customer_tags",
    "customer_transfers",
    "customers",
    "industries",
    "metadata",
    "user_purges",
]
