"""A search for an address finds the lead that has it, be its domain written in Unicode or in ASCII."""

from chassis.db.search_migration import Searched, create_search

revision = "0023"
down_revision = "0022"
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
    by_address=True,
)


def upgrade() -> None:
    # The function of two arguments stays for the version before, and may go with a later one.
    create_search(LEADS)


def downgrade() -> None:
    """The version before works with this too."""
