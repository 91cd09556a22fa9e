"""Everything that reads leads; always of one tenant."""

from chassis.db.kinds import DATE, DECIMAL, EMAIL, INTEGER, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Listing, of_actor
from chassis.db.records import Records
from pipeline import rules
from pipeline.events import SOURCE
from pipeline.models import lead_stages, leads
from pipeline.queries.lateness import words
from pipeline.views import LEAD

# Whose a lead is, for those who see no more than their own.
_OWNERS = ("assigned_to", "created_by")
OWN = of_actor(leads, _OWNERS)

LEADS = Listing(
    LEAD,
    filters={
        "id": INTEGER,
        "lead_name": TEXT,
        "customer_id": INTEGER,
        "email": EMAIL,
        "phone": TEXT,
        "phone_e164": TEXT,
        "source": TEXT,
        "stage_id": INTEGER,
        "status": choice_of(*rules.LEAD_STATUSES),
        "priority": choice_of(*rules.PRIORITIES),
        "probability": INTEGER,
        "probability_source": choice_of(*rules.PROBABILITY_SOURCES),
        "estimated_value": DECIMAL,
        "currency": TEXT,
        "expected_close_date": DATE,
        "loss_reason_id": INTEGER,
        "assigned_to": INTEGER,
        "created_by": INTEGER,
        "stage_entered_at": TIMESTAMP,
        "closed_at": TIMESTAMP,
        "reopen_count": INTEGER,
        "converted_at": TIMESTAMP,
        "converted_customer_id": INTEGER,
        "converted_contact_id": INTEGER,
        "converted_deal_id": INTEGER,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
    },
    sorts=(
        "created_at",
        "updated_at",
        "lead_name",
        "estimated_value",
        "expected_close_date",
        "stage_entered_at",
        "closed_at",
        "probability",
        "assigned_to",
        "created_by",
        "priority",
        "source",
        "status",
        "position",
    ),
    grouped=("assigned_to", "created_by", "priority_rank", "source", "status"),
    alphabetical=("lead_name", "source"),
    ranks={"priority": "priority_rank", "estimated_value": "value_rank"},
    words=words(leads, lead_stages),
    default={"archived_at": leads.c.archived_at.is_(None)},
    own=OWN,
    own_columns=_OWNERS,
    search="search_leads",
    by_address=True,
)

RECORDS = Records(LEAD, source=SOURCE, noun="lead", own=OWN)
