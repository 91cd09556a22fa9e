"""A search for a web address finds the customers whose it is."""

from chassis.db.search_migration import Searched, create_search

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

CUSTOMERS = Searched(
    "customers",
    service="customers",
    columns=("name", "company_name", "email", "customer_code"),
    digits=("phone", "secondary_phone"),
    e164="phone_e164",
    code="customer_code",
    keys=("email_norm", "phone_tail", "domain_norm", "name_norm", "name_two"),
    instead="merged_into",
)


def upgrade() -> None:
    create_search(CUSTOMERS)


def downgrade() -> None:
    """The version before works with this one too."""
