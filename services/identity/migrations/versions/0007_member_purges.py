"""Which members were purged, so that identity can say which services have finished with it."""

from alembic import op

from chassis.db.migrations import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE member_purges (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        transfer_to BIGINT,
        activities VARCHAR(10) NOT NULL,
        created_by BIGINT,
        event_id UUID NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_member_purges PRIMARY KEY (company_id, id),
        CONSTRAINT fk_member_purges_company_id FOREIGN KEY(company_id) REFERENCES companies (id) ON DELETE CASCADE,
        CONSTRAINT ck_member_purges_activities CHECK (activities IN ('keep', 'delete')),
        CONSTRAINT uq_member_purges_company_id_event_id UNIQUE (company_id, event_id)
    );

    CREATE INDEX ix_member_purges_company_id_user_id ON member_purges (company_id, user_id, id);
"""


def upgrade() -> None:
    op.execute(TABLE)
    protect("member_purges", service="identity", grant="SELECT, INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE member_purges")
