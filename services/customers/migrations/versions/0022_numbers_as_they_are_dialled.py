"""Searches fold đ, Arabic heh, and blanks in scripts that need none, and find how a number begins at home."""

from chassis.db.search_migration import Searched, create_search
from chassis.db.text_functions import create_text_functions

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

CUSTOMERS = Searched(
    "customers",
    service="customers",
    columns=("name", "company_name", "email", "customer_code"),
    digits=("phone", "secondary_phone"),
    e164="phone_e164",
    code="customer_code",
    keys=("email_norm", "phone_tail", "name_norm", "name_two"),
    instead="merged_into",
)
CONTACTS = Searched(
    "contacts",
    service="customers",
    columns=("first_name", "last_name", "email", "job_title"),
    digits=("phone",),
    e164="phone_e164",
    keys=("email_norm",),
)


def upgrade() -> None:
    create_text_functions()
    for searched in (CUSTOMERS, CONTACTS):
        create_search(searched)


def downgrade() -> None:
    """The version before works with these too."""
