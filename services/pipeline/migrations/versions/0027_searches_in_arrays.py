"""A search gathers its hits in arrays, statement by statement, and leaves out the statements that it need not ask."""

from chassis.db.search_migration import Searched, create_search

revision = "0027"
down_revision = "0026"
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
