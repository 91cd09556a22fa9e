"""What was done for conversions of leads."""

from alembic import op

from chassis.db.migrations import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE conversion_results (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        conversion_id BIGINT NOT NULL,
        state VARCHAR(20) NOT NULL,
        customer_id BIGINT,
        contact_id BIGINT,
        customer_created BOOLEAN DEFAULT false NOT NULL,
        contact_created BOOLEAN DEFAULT false NOT NULL,
        filled JSONB DEFAULT '[]'::jsonb NOT NULL,
        kept JSONB DEFAULT '[]'::jsonb NOT NULL,
        error_code VARCHAR(60),
        error_detail TEXT,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_conversion_results PRIMARY KEY (company_id, id),
        CONSTRAINT uq_conversion_results_company_id_conversion_id UNIQUE (company_id, conversion_id),
        CONSTRAINT ck_conversion_results_state CHECK (state IN ('succeeded', 'refused', 'undone')),
        CONSTRAINT fk_conversion_results_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_conversion_results_company_id_created_by ON conversion_results (company_id, created_by);
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("conversion_results", service="customers", grant="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.execute("DROP TABLE conversion_results")
