"""Searches of leads and deals fold as those of customers do, and find how a number begins at home."""

from chassis.db.search_migration import Searched, create_search
from chassis.db.text_functions import create_text_functions

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

LEADS = Searched(
    "leads",
    service="pipeline",
    columns=("lead_name", "email"),
    digits=("phone",),
    e164="phone_e164",
    texts=("description",),
    keys=("email_norm", "phone_tail", "name_norm"),
)
DEALS = Searched("deals", service="pipeline", columns=("deal_name",), texts=("notes",))


def upgrade() -> None:
    create_text_functions()
    for searched in (LEADS, DEALS):
        create_search(searched)


def downgrade() -> None:
    """The version before works with these too."""
