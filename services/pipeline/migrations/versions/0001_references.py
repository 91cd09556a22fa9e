"""What is known of other services' records, and the chassis' tables."""

from alembic import op

from chassis.db.migrations import create_chassis_tables, protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE user_refs (
        company_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        version INTEGER DEFAULT 0 NOT NULL,
        membership_id BIGINT DEFAULT 0 NOT NULL,
        name VARCHAR(201),
        email VARCHAR(255),
        is_active BOOLEAN DEFAULT true NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_user_refs PRIMARY KEY (company_id, user_id)
    );

    CREATE TABLE company_refs (
        company_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        default_currency VARCHAR(3) DEFAULT 'USD' NOT NULL,
        time_zone VARCHAR(64) DEFAULT 'UTC' NOT NULL,
        region VARCHAR(2),
        settings JSONB DEFAULT '{}'::jsonb NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_company_refs PRIMARY KEY (company_id)
    );

    CREATE TABLE customer_refs (
        company_id BIGINT NOT NULL,
        customer_id BIGINT NOT NULL,
        version INTEGER DEFAULT 0 NOT NULL,
        name VARCHAR(255),
        assigned_to BIGINT,
        created_by BIGINT,
        archived_at TIMESTAMP WITH TIME ZONE,
        merged_into BIGINT,
        archived_by_event UUID,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_refs PRIMARY KEY (company_id, customer_id)
    );
    CREATE INDEX ix_customer_refs_merged_into ON customer_refs (company_id, merged_into);

    CREATE TABLE ref_tombstones (
        company_id BIGINT NOT NULL,
        kind VARCHAR(50) NOT NULL,
        ref_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_ref_tombstones PRIMARY KEY (company_id, kind, ref_id)
    );
"""


def upgrade() -> None:
    create_chassis_tables("pipeline")
    op.execute(TABLES)
    protect("user_refs", service="pipeline", grant="SELECT, INSERT, UPDATE")
    protect("company_refs", service="pipeline", grant="SELECT, INSERT, UPDATE")
    protect("customer_refs", service="pipeline", grant="SELECT, INSERT, UPDATE, DELETE")
    protect("ref_tombstones", service="pipeline", grant="SELECT, INSERT")


def downgrade() -> None:
    """There is nothing before the first migration; destroying a database is the operator's to do."""
