"""What was done to many records at once: conversions, merges and transfers."""

from alembic import op

from chassis.db.migrations import protect, protect_transfers

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE task_relinks (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        conversion_id BIGINT NOT NULL,
        lead_id BIGINT NOT NULL,
        added JSONB NOT NULL,
        task_id BIGINT,
        activity_id BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_task_relinks PRIMARY KEY (company_id, id),
        CONSTRAINT ck_task_relinks_record CHECK (num_nonnulls(task_id, activity_id) = 1),
        CONSTRAINT fk_task_relinks_company_id_task_id FOREIGN KEY(company_id, task_id) REFERENCES tasks (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_task_relinks_company_id_activity_id FOREIGN KEY(company_id, activity_id) REFERENCES activities (company_id, id) ON DELETE CASCADE,
        CONSTRAINT ck_task_relinks_added CHECK (jsonb_typeof(added) = 'object')
    );
    CREATE INDEX ix_task_relinks_activity_id ON task_relinks (company_id, activity_id) WHERE activity_id IS NOT NULL;
    CREATE INDEX ix_task_relinks_conversion_id ON task_relinks (company_id, conversion_id);
    CREATE INDEX ix_task_relinks_task_id ON task_relinks (company_id, task_id) WHERE task_id IS NOT NULL;

    CREATE TABLE customer_moves (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        source_id BIGINT NOT NULL,
        target_id BIGINT NOT NULL,
        task_id BIGINT,
        activity_id BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_moves PRIMARY KEY (company_id, id),
        CONSTRAINT ck_customer_moves_record CHECK (num_nonnulls(task_id, activity_id) = 1),
        CONSTRAINT fk_customer_moves_company_id_task_id FOREIGN KEY(company_id, task_id) REFERENCES tasks (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_customer_moves_company_id_activity_id FOREIGN KEY(company_id, activity_id) REFERENCES activities (company_id, id) ON DELETE CASCADE
    );
    CREATE INDEX ix_customer_moves_activity_id ON customer_moves (company_id, activity_id) WHERE activity_id IS NOT NULL;
    CREATE INDEX ix_customer_moves_source_id ON customer_moves (company_id, source_id, target_id);
    CREATE INDEX ix_customer_moves_task_id ON customer_moves (company_id, task_id) WHERE task_id IS NOT NULL;

    CREATE TABLE task_transfers (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        targets JSONB NOT NULL,
        event_id UUID NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        moved INTEGER DEFAULT 0 NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_task_transfers PRIMARY KEY (company_id, id),
        CONSTRAINT fk_task_transfers_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_task_transfers_company_id_event_id UNIQUE (company_id, event_id),
        CONSTRAINT ck_task_transfers_targets CHECK (jsonb_typeof(targets) = 'array')
    );
    CREATE INDEX ix_task_transfers_pending ON task_transfers (company_id, id) WHERE finished_at IS NULL;
    CREATE INDEX ix_task_transfers_user_id ON task_transfers (company_id, user_id);
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("task_relinks", service="tasks")
    protect("customer_moves", service="tasks")
    protect_transfers("task_transfers", service="tasks")


def downgrade() -> None:
    """The version before works with these too."""
