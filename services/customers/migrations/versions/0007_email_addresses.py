"""E-mail addresses of every script: the database asks for two parts, and the rules of people's data for the rest."""

from chassis.db.migrations import replace_email_checks

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    replace_email_checks("customers", "contacts")


def downgrade() -> None:
    """The version before would refuse to change a record that has such an address."""
