"""Customers that were purged: the worker removes what was about them, a hundred records to a transaction."""

from alembic import op

from chassis.db.migrations import create_waiting, protect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE customer_purges (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        customer_id BIGINT NOT NULL,
        customer_version INTEGER NOT NULL,
        event_id UUID NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_purges PRIMARY KEY (company_id, id),
        CONSTRAINT uq_customer_purges_company_id_customer_id UNIQUE (company_id, customer_id)
    );
    CREATE INDEX ix_customer_purges_pending ON customer_purges (company_id, id) WHERE finished_at IS NULL;
"""


def upgrade() -> None:
    op.execute(TABLE)
    protect("customer_purges", service="tasks", grant="SELECT, INSERT, UPDATE (updated_at, finished_at)")
    carried = {"correlation_id": "text", "event_id": "uuid"}
    create_waiting("customer_purges", service="tasks", where="finished_at IS NULL", carried=carried)


def downgrade() -> None:
    """The version before works with it too."""
