"""Which membership a user's reference is of, and the customers of deactivated users on their way to others."""

from alembic import op

from chassis.db.migrations import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
    ALTER TABLE user_refs ADD COLUMN membership_id BIGINT DEFAULT 0 NOT NULL;

    CREATE TABLE customer_transfers (
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
        CONSTRAINT pk_customer_transfers PRIMARY KEY (id),
        CONSTRAINT fk_customer_transfers_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_customer_transfers_company_id_event_id UNIQUE (company_id, event_id),
        CONSTRAINT ck_customer_transfers_targets CHECK (jsonb_typeof(targets) = 'array'),
        CONSTRAINT uq_customer_transfers_company_id_id UNIQUE (company_id, id)
    );

    CREATE INDEX ix_customer_transfers_pending ON customer_transfers (company_id, id) WHERE finished_at IS NULL;
"""

# The worker has no tenant when it looks for work. It is told where there is some, and goes on as that tenant.
PENDING = """
    CREATE FUNCTION pending_customer_transfers(most integer)
    RETURNS TABLE (company_id bigint, id bigint, event_id uuid, correlation_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT t.company_id, t.id, t.event_id, t.correlation_id FROM public.customer_transfers t
        WHERE t.finished_at IS NULL ORDER BY t.id LIMIT most
    $$
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect(
        "customer_transfers",
        service="customers",
        grant="SELECT, INSERT, UPDATE (version, updated_at, moved, finished_at)",
    )
    op.execute(PENDING)
    op.execute("REVOKE ALL ON FUNCTION pending_customer_transfers(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION pending_customer_transfers(integer) TO customers_app")


def downgrade() -> None:
    """Transfers that are under way would be lost; go back by restoring a backup."""
