"""The tables of the tasks service; the names that the other layers use."""

from tasks.models.activities import activities, activity_exports
from tasks.models.metadata import metadata
from tasks.models.moves import customer_moves, customer_purges, task_relinks, task_transfers, user_purges
from tasks.models.notices import MAILS, calendar_feeds, digests, mails, notifications, reminders, user_settings
from tasks.models.references import (
    COMPANY,
    CUSTOMERS,
    DEALS,
    LEADS,
    REFERENCES,
    USERS,
    company_refs,
    customer_refs,
    deal_refs,
    lead_refs,
    ref_tombstones,
    user_refs,
)
from tasks.models.tasks import task_exports, task_series, tasks

__all__ = [
    "COMPANY",
    "CUSTOMERS",
    "DEALS",
    "LEADS",
    "MAILS",
    "REFERENCES",
    "USERS",
    "activities",
    "activity_exports",
    "calendar_feeds",
    "company_refs",
    "customer_moves",
    "customer_purges",
    "customer_refs",
    "deal_refs",
    "digests",
    "lead_refs",
    "mails",
    "metadata",
    "notifications",
    "ref_tombstones",
    "reminders",
    "task_exports",
    "task_relinks",
    "task_series",
    "task_transfers",
    "tasks",
    "user_purges",
    "user_refs",
    "user_settings",
]
