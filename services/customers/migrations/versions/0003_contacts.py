"""Contacts, merges and exports."""

from alembic import op

from chassis.db.migrations import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERVICE = "customers"

TABLES = r"""
    CREATE TABLE contacts (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        customer_id BIGINT NOT NULL,
        first_name VARCHAR(100) NOT NULL,
        last_name VARCHAR(100),
        email VARCHAR(255),
        phone VARCHAR(50),
        job_title VARCHAR(100),
        is_primary BOOLEAN DEFAULT false NOT NULL,
        created_by BIGINT,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        email_norm TEXT,
        phone_e164 TEXT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_contacts PRIMARY KEY (company_id, id),
        CONSTRAINT fk_contacts_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customers (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_contacts_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT ck_contacts_email CHECK (email IS NULL OR email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$')
    );

    CREATE INDEX ix_contacts_company_id_created_at ON contacts (company_id, created_at, id);
    CREATE INDEX ix_contacts_company_id_created_by ON contacts (company_id, created_by);
    CREATE INDEX ix_contacts_company_id_customer_id ON contacts (company_id, customer_id);
    CREATE INDEX ix_contacts_company_id_email_norm ON contacts (company_id, email_norm);
    CREATE INDEX ix_contacts_company_id_phone_e164 ON contacts (company_id, phone_e164);
    CREATE UNIQUE INDEX uq_contacts_company_id_customer_id_primary ON contacts (company_id, customer_id) WHERE is_primary AND archived_at IS NULL;

    CREATE TABLE customer_merges (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        customer_id BIGINT NOT NULL,
        sources JSONB NOT NULL,
        before JSONB NOT NULL,
        after JSONB NOT NULL,
        contacts JSONB NOT NULL,
        created_by BIGINT,
        undone_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_merges PRIMARY KEY (company_id, id),
        CONSTRAINT fk_customer_merges_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customers (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_customer_merges_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );

    CREATE INDEX ix_customer_merges_company_id_created_at ON customer_merges (company_id, created_at, id);
    CREATE INDEX ix_customer_merges_company_id_created_by ON customer_merges (company_id, created_by);
    CREATE INDEX ix_customer_merges_company_id_customer_id ON customer_merges (company_id, customer_id);

    CREATE TABLE customer_exports (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        format VARCHAR(10) NOT NULL,
        query TEXT NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_exports PRIMARY KEY (company_id, id),
        CONSTRAINT fk_customer_exports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );

    CREATE INDEX ix_customer_exports_company_id_created_at ON customer_exports (company_id, created_at, id);
    CREATE INDEX ix_customer_exports_company_id_created_by ON customer_exports (company_id, created_by);
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("contacts", service=SERVICE)
    protect("customer_merges", service=SERVICE, grant="SELECT, INSERT, UPDATE (version, updated_at, undone_at), DELETE")
    protect("customer_exports", service=SERVICE, grant="SELECT, INSERT")


def downgrade() -> None:
    """What the tables hold would be lost; go back by restoring a backup."""
