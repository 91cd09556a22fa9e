"""Everything that reads deals; always of one tenant."""

from chassis.db.kinds import DATE, DECIMAL, INTEGER, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Listing, of_actor
from chassis.db.records import Records
from pipeline import rules
from pipeline.events import SOURCE
from pipeline.models import deal_stages, deals
from pipeline.queries.lateness import words
from pipeline.views import DEAL

# Whose a deal is, for those who see no more than their own.
_OWNERS = ("assigned_to", "created_by")
OWN = of_actor(deals, _OWNERS)

DEALS = Listing(
    DEAL,
    filters={
        "id": INTEGER,
        "deal_name": TEXT,
        "customer_id": INTEGER,
        "lead_id": INTEGER,
        "pipeline_id": INTEGER,
        "stage_id": INTEGER,
        "stage": TEXT,
        "status": choice_of(*rules.DEAL_STATUSES),
        "deal_value": DECIMAL,
        "currency": TEXT,
        "probability": INTEGER,
        "probability_source": choice_of(*rules.PROBABILITY_SOURCES),
        "expected_close_date": DATE,
        "actual_close_date": DATE,
        "closed_at": TIMESTAMP,
        "closed_by": INTEGER,
        "loss_reason_id": INTEGER,
        "last_open_stage_id": INTEGER,
        "reopen_count": INTEGER,
        "assigned_to": INTEGER,
        "created_by": INTEGER,
        "stage_entered_at": TIMESTAMP,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
    },
    sorts=(
        "created_at",
        "updated_at",
        "deal_name",
        "deal_value",
        "expected_close_date",
        "stage_entered_at",
        "closed_at",
        "probability",
        "assigned_to",
        "created_by",
        "status",
        "position",
    ),
    grouped=("assigned_to", "created_by", "status"),
    alphabetical=("deal_name",),
    ranks={"deal_value": "value_rank"},
    words=words(deals, deal_stages),
    default={"archived_at": deals.c.archived_at.is_(None)},
    own=OWN,
    own_columns=_OWNERS,
    search="search_deals",
)

RECORDS = Records(DEAL, source=SOURCE, noun="deal", own=OWN)
