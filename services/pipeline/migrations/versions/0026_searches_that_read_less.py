"""A search looks at fewer records, and does less for each of them.

It reads fewer of the newest ones, looks for a word of four or five letters by what lies beside it as well, and folds no
name that begins otherwise than what is asked for.
"""

from chassis.db.search_migration import Searched, create_search
from chassis.db.text_functions import create_gram_questions

revision = "0026"
down_revision = "0025"
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
    create_gram_questions()
    for searched in (LEADS, DEALS):
        create_search(searched)


def downgrade() -> None:
    """The version before works with these too."""
