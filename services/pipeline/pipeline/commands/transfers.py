"""Leads and deals of somebody who was deactivated, handed over to others."""

from chassis.transfers import Transfers
from pipeline.commands.deals import reassign_deal
from pipeline.commands.leads import reassign_lead
from pipeline.events import (
    DEAL_TRANSFER_COMPLETED,
    DEAL_TRANSFER_STARTED,
    LEAD_TRANSFER_COMPLETED,
    LEAD_TRANSFER_STARTED,
    SOURCE,
)
from pipeline.models import USERS, deals, leads
from pipeline.views import DEAL_TRANSFER, LEAD_TRANSFER

# What is closed or archived keeps its owner, who is part of what it was.
LEAD_TRANSFERS = Transfers(
    LEAD_TRANSFER,
    users=USERS,
    kind="leads",
    owner=leads.c.assigned_to,
    rows=(leads.c.closed_at.is_(None), leads.c.archived_at.is_(None)),
    reassign=reassign_lead,
    source=SOURCE,
    started=LEAD_TRANSFER_STARTED,
    completed=LEAD_TRANSFER_COMPLETED,
)
DEAL_TRANSFERS = Transfers(
    DEAL_TRANSFER,
    users=USERS,
    kind="deals",
    owner=deals.c.assigned_to,
    rows=(deals.c.closed_at.is_(None), deals.c.archived_at.is_(None)),
    reassign=reassign_deal,
    source=SOURCE,
    started=DEAL_TRANSFER_STARTED,
    completed=DEAL_TRANSFER_COMPLETED,
)
