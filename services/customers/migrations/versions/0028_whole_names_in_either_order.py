"""A search finds a person by the whole name in either order, as 山田花子 is written whose first name is 花子."""

from chassis.db.search_migration import Searched, keep_search_text

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

CONTACTS = Searched(
    "contacts",
    service="customers",
    columns=("first_name", "last_name", "email", "job_title"),
    digits=("phone",),
    e164="phone_e164",
    again="first_name",
)


def upgrade() -> None:
    keep_search_text(CONTACTS)


def downgrade() -> None:
    """The version before works with this one too."""
