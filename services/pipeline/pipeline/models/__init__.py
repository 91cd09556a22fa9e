"""The tables of the pipeline service; the names that the other layers use."""

from pipeline.models.conversions import conversions
from pipeline.models.deals import deal_exports, deal_stages, deals, pipelines
from pipeline.models.history import close_date_history, exchange_rates, loss_reasons, stage_history
from pipeline.models.imports import DEAL_IMPORTS, LEAD_IMPORTS
from pipeline.models.leads import lead_exports, lead_stages, leads
from pipeline.models.metadata import metadata
from pipeline.models.moves import customer_moves, customer_purges, deal_transfers, lead_transfers, user_purges
from pipeline.models.references import (
    COMPANY,
    CUSTOMERS,
    REFERENCES,
    USERS,
    company_refs,
    customer_refs,
    ref_tombstones,
    user_refs,
)
from pipeline.models.snapshots import pipeline_snapshots, snapshot_days

__all__ = [
    "COMPANY",
    "CUSTOMERS",
    "DEAL_IMPORTS",
    "LEAD_IMPORTS",
    "REFERENCES",
    "USERS",
    "close_date_history",
    "company_refs",
    "conversions",
    "customer_moves",
    "customer_purges",
    "customer_refs",
    "deal_exports",
    "deal_stages",
    "deal_transfers",
    "deals",
    "exchange_rates",
    "lead_exports",
    "lead_stages",
    "lead_transfers",
    "leads",
    "loss_reasons",
    "metadata",
    "pipeline_snapshots",
    "pipelines",
    "ref_tombstones",
    "snapshot_days",
    "stage_history",
    "user_purges",
    "user_refs",
]
