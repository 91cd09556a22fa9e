"""What leads and deals share: both are cards that lie in the columns of a board and remember where they were."""

from dataclasses import dataclass

from sqlalchemy import Table

from chassis.db.listing import Listing
from chassis.db.records import Records
from pipeline.models import deal_stages, deals, lead_stages, leads
from pipeline.queries import deals as deal_queries
from pipeline.queries import leads as lead_queries


@dataclass(frozen=True, eq=False)
class Cards:
    """A kind of card: its table, that of its stages, and how records of it are found.

    `reference` is the column by which other tables name one; `value` the column of its amount; `kind` that of a stage
    which says what the status of its cards is.
    """

    table: Table
    stages: Table
    records: Records
    listing: Listing
    reference: str
    value: str
    kind: str


LEADS = Cards(leads, lead_stages, lead_queries.RECORDS, lead_queries.LEADS, "lead_id", "estimated_value", "lead_status")
DEALS = Cards(deals, deal_stages, deal_queries.RECORDS, deal_queries.DEALS, "deal_id", "deal_value", "kind")
