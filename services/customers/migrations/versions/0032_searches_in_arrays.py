"""A search gathers its hits in arrays, statement by statement, and leaves out the statements that it need not ask."""

from chassis.db.search_migration import Searched, create_search

revision = "0032"
down_revision = "0031"
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
    by_address=True,
    instead="merged_into",
    last="find_survivor",
)
CONTACTS = Searched(
    "contacts",
    service="customers",
    columns=("first_name", "last_name", "email", "job_title"),
    digits=("phone",),
    e164="phone_e164",
    keys=("email_norm",),
    by_address=True,
)


def upgrade() -> None:
    for searched in (CUSTOMERS, CONTACTS):
        create_search(searched)


def downgrade() -> None:
    """The version before works with these too."""
