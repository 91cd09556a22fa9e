"""Users who are purged: what is to be done about them, and that nothing of the person is kept."""

from alembic import op

from chassis.db.migrations import protect_purges

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE user_purges (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        transfer_to BIGINT,
        activities VARCHAR(10) NOT NULL,
        created_by BIGINT,
        event_id UUID NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        changed INTEGER DEFAULT 0 NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_user_purges PRIMARY KEY (company_id, id),
        CONSTRAINT uq_user_purges_company_id_event_id UNIQUE (company_id, event_id),
        CONSTRAINT ck_user_purges_activities CHECK (activities IN ('keep', 'delete'))
    );
    CREATE INDEX ix_user_purges_pending ON user_purges (company_id, id) WHERE finished_at IS NULL;

    ALTER TABLE user_refs ADD COLUMN purged_at TIMESTAMP WITH TIME ZONE;
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect_purges(service="customers")


def downgrade() -> None:
    """Who was purged would be forgotten, and brought back by the next answer of identity."""
