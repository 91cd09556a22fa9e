"""Customers, the users they refer to, and the chassis' tables."""

from alembic import op

from chassis.db.migrations import create_chassis_tables, protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE customer_codes (
        company_id BIGINT NOT NULL,
        last_number BIGINT NOT NULL,
        CONSTRAINT pk_customer_codes PRIMARY KEY (company_id)
    );

    CREATE TABLE user_refs (
        company_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        version INTEGER DEFAULT 0 NOT NULL,
        name VARCHAR(201),
        email VARCHAR(255),
        is_active BOOLEAN DEFAULT true NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_user_refs PRIMARY KEY (company_id, user_id)
    );

    CREATE TABLE customers (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        customer_code VARCHAR(50) NOT NULL,
        name VARCHAR(255) NOT NULL,
        email VARCHAR(255),
        phone VARCHAR(50),
        secondary_phone VARCHAR(50),
        address TEXT,
        city VARCHAR(100),
        state VARCHAR(100),
        country VARCHAR(100),
        zip_code VARCHAR(20),
        customer_type VARCHAR(50) DEFAULT 'individual' NOT NULL,
        industry VARCHAR(100),
        company_name VARCHAR(255),
        website VARCHAR(255),
        status VARCHAR(20) DEFAULT 'active' NOT NULL,
        source VARCHAR(100),
        priority VARCHAR(20) DEFAULT 'medium' NOT NULL,
        credit_limit NUMERIC(15, 2) DEFAULT 0 NOT NULL,
        notes TEXT,
        tags JSONB DEFAULT '[]'::jsonb NOT NULL,
        created_by BIGINT,
        assigned_to BIGINT,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        email_norm TEXT GENERATED ALWAYS AS (lower(email)) STORED,
        phone_e164 TEXT GENERATED ALWAYS AS (CASE WHEN phone LIKE '+%' THEN '+' || regexp_replace(phone, '[^0-9]', '', 'g') END) STORED,
        domain_norm TEXT GENERATED ALWAYS AS (lower(substring(coalesce(website, email) from '([^/:@ ]+[.][^/:@ ]+)'))) STORED,
        name_norm TEXT GENERATED ALWAYS AS (lower(regexp_replace(btrim(name), '\s+', ' ', 'g'))) STORED,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customers PRIMARY KEY (id),
        CONSTRAINT uq_customers_company_id_customer_code UNIQUE (company_id, customer_code),
        CONSTRAINT uq_customers_company_id_name_company_name UNIQUE (company_id, name, company_name),
        CONSTRAINT ck_customers_email CHECK (email IS NULL OR email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
        CONSTRAINT ck_customers_credit_limit CHECK (credit_limit >= 0),
        CONSTRAINT ck_customers_tags CHECK (jsonb_typeof(tags) = 'array'),
        CONSTRAINT ck_customers_customer_type CHECK (customer_type IN ('individual', 'business')),
        CONSTRAINT ck_customers_status CHECK (status IN ('active', 'inactive', 'prospect', 'lost')),
        CONSTRAINT ck_customers_priority CHECK (priority IN ('low', 'medium', 'high')),
        CONSTRAINT ck_customers_industry CHECK (industry IN ('Technology', 'Healthcare', 'Finance', 'Retail', 'Manufacturing', 'Education', 'Real Estate', 'Consulting', 'Other')),
        CONSTRAINT fk_customers_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT fk_customers_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (assigned_to),
        CONSTRAINT uq_customers_company_id_id UNIQUE (company_id, id)
    );

    CREATE INDEX ix_customers_company_id_assigned_to_active ON customers (company_id, assigned_to) WHERE status = 'active';

    CREATE INDEX ix_customers_company_id_assigned_to_status ON customers (company_id, assigned_to, status);

    CREATE INDEX ix_customers_company_id_company_name ON customers (company_id, company_name);

    CREATE INDEX ix_customers_company_id_created_at ON customers (company_id, created_at, id) WHERE archived_at IS NULL;

    CREATE INDEX ix_customers_company_id_created_at_all ON customers (company_id, created_at, id);

    CREATE INDEX ix_customers_company_id_created_by ON customers (company_id, created_by);

    CREATE INDEX ix_customers_company_id_customer_type ON customers (company_id, customer_type, created_at, id);

    CREATE INDEX ix_customers_company_id_email_norm ON customers (company_id, email_norm);

    CREATE INDEX ix_customers_company_id_industry ON customers (company_id, industry, created_at, id);

    CREATE INDEX ix_customers_company_id_name ON customers (company_id, name, id);

    CREATE INDEX ix_customers_company_id_status_created_at ON customers (company_id, status, created_at, id);

    CREATE INDEX ix_customers_company_id_updated_at ON customers (company_id, updated_at, id);

    CREATE INDEX ix_customers_search ON customers USING gin (to_tsvector('english', name || ' ' || coalesce(company_name, '') || ' ' || coalesce(email, '')));

    CREATE INDEX ix_customers_tags ON customers USING gin (tags);
"""


def upgrade() -> None:
    create_chassis_tables("customers")
    op.execute(TABLES)
    protect("user_refs", service="customers", grant="SELECT, INSERT, UPDATE")
    protect("customer_codes", service="customers", grant="SELECT, INSERT, UPDATE")
    protect("customers", service="customers", grant="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    """There is nothing before the first migration; destroying a database is the operator's to do."""
