"""Pairs of customers that are probably the same, and how far the job is that keeps them."""

from alembic import op

from chassis.db.migrations import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE customer_duplicates (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        customer_id BIGINT NOT NULL,
        other_id BIGINT NOT NULL,
        score INTEGER NOT NULL,
        reasons JSONB NOT NULL,
        dismissed_at TIMESTAMP WITH TIME ZONE,
        dismissed_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_duplicates PRIMARY KEY (company_id, id),
        CONSTRAINT uq_customer_duplicates_company_id_customer_id_other_id UNIQUE (company_id, customer_id, other_id),
        CONSTRAINT ck_customer_duplicates_order CHECK (customer_id < other_id),
        CONSTRAINT fk_customer_duplicates_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customers (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_customer_duplicates_company_id_other_id FOREIGN KEY(company_id, other_id) REFERENCES customers (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_customer_duplicates_company_id_dismissed_by FOREIGN KEY(company_id, dismissed_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (dismissed_by)
    );

    CREATE INDEX ix_customer_duplicates_company_id_dismissed_by ON customer_duplicates (company_id, dismissed_by);
    CREATE INDEX ix_customer_duplicates_company_id_other_id ON customer_duplicates (company_id, other_id);
    CREATE INDEX ix_customer_duplicates_company_id_score ON customer_duplicates (company_id, score, id);

    CREATE TABLE customer_comparisons (
        company_id BIGINT NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        seen_id BIGINT NOT NULL,
        CONSTRAINT pk_customer_comparisons PRIMARY KEY (company_id)
    );
"""

# The worker has no tenant: it asks where customers have changed since the job saw them. Each company costs it a look at
# the index by time of change.
WAITING = """
    CREATE FUNCTION companies_to_compare(settled interval, most integer) RETURNS TABLE (company_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        SELECT r.company_id FROM company_refs r LEFT JOIN customer_comparisons s ON s.company_id = r.company_id
        WHERE EXISTS (
            SELECT FROM customers c WHERE c.company_id = r.company_id AND c.updated_at < now() - settled
            AND (c.updated_at, c.id) > (coalesce(s.seen_at, '-infinity'), coalesce(s.seen_id, 0))
        )
        ORDER BY s.seen_at NULLS FIRST LIMIT most
    $$
"""
FUNCTION = "companies_to_compare(interval, integer)"


def upgrade() -> None:
    op.execute(TABLES)
    protect("customer_duplicates", service="customers")
    protect("customer_comparisons", service="customers")
    op.execute(WAITING)
    op.execute(f"REVOKE ALL ON FUNCTION {FUNCTION} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO customers_app")


def downgrade() -> None:
    """The version before works with these too."""
