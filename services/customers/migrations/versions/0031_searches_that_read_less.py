"""A search looks at fewer records, and does less for each of them.

It reads fewer of the newest ones, looks for a word of four or five letters by what lies beside it as well, and folds no
name that begins otherwise than what is asked for.
"""

from chassis.db.containing_migration import create_containing
from chassis.db.search_migration import Searched, create_search
from chassis.db.text_functions import create_gram_questions

revision = "0031"
down_revision = "0030"
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
    create_gram_questions()
    for searched in (CUSTOMERS, CONTACTS):
        create_search(searched)
    create_containing("customers", service="customers")


def downgrade() -> None:
    """The version before works with these too."""
