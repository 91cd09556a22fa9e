"""A search folds a name only where that can change how well it fits."""

from chassis.db.search_migration import Searched, create_search

revision = "0024"
down_revision = "0023"
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
DEALS = Searched("deals", service="pipeline", columns=("deal_name",), texts=("notes",))


def upgrade() -> None:
    for searched in (LEADS, DEALS):
        create_search(searched)


def downgrade() -> None:
    """The version before works with these too."""
