"""Customers with their tags and industries, and what is kept of other services' users and companies."""

from alembic import op

from chassis.db.migrations import protect, protect_transfers
from chassis.db.search_migration import Searched, create_search, create_search_index, keep_search_text
from chassis.db.tag_tables import tags_triggers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERVICE = "customers"

TABLES = r"""
    CREATE TABLE company_refs (
        company_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        region VARCHAR(2),
        settings JSONB DEFAULT '{}'::jsonb NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_company_refs PRIMARY KEY (company_id)
    );

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
        CONSTRAINT pk_customer_transfers PRIMARY KEY (company_id, id),
        CONSTRAINT fk_customer_transfers_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_customer_transfers_company_id_event_id UNIQUE (company_id, event_id),
        CONSTRAINT ck_customer_transfers_targets CHECK (jsonb_typeof(targets) = 'array')
    );

    CREATE INDEX ix_customer_transfers_pending ON customer_transfers (company_id, id) WHERE finished_at IS NULL;

    CREATE TABLE industries (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        name VARCHAR(100) NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_industries PRIMARY KEY (company_id, id),
        CONSTRAINT uq_industries_company_id_name UNIQUE (company_id, name)
    );

    CREATE TABLE customer_codes (
        company_id BIGINT NOT NULL,
        last_number BIGINT NOT NULL,
        CONSTRAINT pk_customer_codes PRIMARY KEY (company_id)
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
        email_norm TEXT,
        phone_e164 TEXT,
        phone_tail TEXT,
        domain_norm TEXT,
        name_norm TEXT,
        search_text TEXT,
        merged_into BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customers PRIMARY KEY (company_id, id),
        CONSTRAINT uq_customers_company_id_customer_code UNIQUE (company_id, customer_code),
        CONSTRAINT ck_customers_email CHECK (email IS NULL OR email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
        CONSTRAINT ck_customers_credit_limit CHECK (credit_limit >= 0),
        CONSTRAINT ck_customers_tags CHECK (jsonb_typeof(tags) = 'array'),
        CONSTRAINT ck_customers_customer_type CHECK (customer_type IN ('individual', 'business')),
        CONSTRAINT ck_customers_status CHECK (status IN ('active', 'inactive', 'prospect', 'lost')),
        CONSTRAINT ck_customers_priority CHECK (priority IN ('low', 'medium', 'high')),
        CONSTRAINT fk_customers_company_id_industry FOREIGN KEY(company_id, industry) REFERENCES industries (company_id, name),
        CONSTRAINT fk_customers_company_id_merged_into FOREIGN KEY(company_id, merged_into) REFERENCES customers (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_customers_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT fk_customers_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (assigned_to)
    );

    CREATE INDEX ix_customers_archived ON customers (company_id, created_at, id) WHERE archived_at IS NOT NULL;
    CREATE INDEX ix_customers_assigned_to_in_order ON customers (company_id, assigned_to, created_at, id) INCLUDE (archived_at, name, updated_at);
    CREATE INDEX ix_customers_company_id_city_created_at ON customers (company_id, city, created_at, id);
    CREATE INDEX ix_customers_company_id_company_name_created_at ON customers (company_id, company_name, created_at, id);
    CREATE INDEX ix_customers_company_id_created_at ON customers (company_id, created_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_customers_company_id_customer_type ON customers (company_id, customer_type, created_at, id);
    CREATE INDEX ix_customers_company_id_industry_created_at ON customers (company_id, industry, created_at, id);
    CREATE INDEX ix_customers_company_id_name ON customers (company_id, name, id);
    CREATE INDEX ix_customers_company_id_name_norm ON customers (company_id, name_norm);
    CREATE INDEX ix_customers_company_id_status_created_at ON customers (company_id, status, created_at, id);
    CREATE INDEX ix_customers_company_id_updated_at ON customers (company_id, updated_at, id);
    CREATE INDEX ix_customers_created_by_in_order ON customers (company_id, created_by, created_at, id) INCLUDE (archived_at, name, updated_at, assigned_to);
    CREATE INDEX ix_customers_domain_norm ON customers (company_id, domain_norm) WHERE domain_norm IS NOT NULL;
    CREATE INDEX ix_customers_email ON customers (company_id, email) WHERE email IS NOT NULL;
    CREATE INDEX ix_customers_email_norm ON customers (company_id, email_norm) WHERE email_norm IS NOT NULL;
    CREATE INDEX ix_customers_merged_into ON customers (company_id, merged_into) WHERE merged_into IS NOT NULL;
    CREATE INDEX ix_customers_phone ON customers (company_id, phone) WHERE phone IS NOT NULL;
    CREATE INDEX ix_customers_phone_e164 ON customers (company_id, phone_e164) WHERE phone_e164 IS NOT NULL;
    CREATE INDEX ix_customers_phone_tail ON customers (company_id, phone_tail) WHERE phone_tail IS NOT NULL;
    CREATE UNIQUE INDEX uq_customers_name_unmerged ON customers (company_id, name, company_name) WHERE merged_into IS NULL;

    CREATE TABLE customer_tags (
        company_id BIGINT NOT NULL,
        tag VARCHAR(50) NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        customer_id BIGINT NOT NULL,
        CONSTRAINT pk_customer_tags PRIMARY KEY (company_id, tag, created_at, customer_id),
        CONSTRAINT fk_customer_tags_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customers (company_id, id) ON DELETE CASCADE
    );

    CREATE INDEX ix_customer_tags_company_id_customer_id ON customer_tags (company_id, customer_id);
"""

# The nine of the seed need no set-up: one that is used and not there yet appears. Names are written out in full, because
# a function with a SET clause of its own costs more to call.
INDUSTRIES = """
    CREATE FUNCTION know_industry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM public.industries i WHERE i.company_id OPERATOR(pg_catalog.=) NEW.company_id
                       AND i.name OPERATOR(pg_catalog.=) NEW.industry) THEN
            INSERT INTO public.industries (company_id, name) VALUES (NEW.company_id, NEW.industry)
            ON CONFLICT (company_id, name) DO NOTHING;
        END IF;
        RETURN NEW;
    END $$;

    CREATE TRIGGER know_industry BEFORE INSERT OR UPDATE OF industry ON customers FOR EACH ROW
    WHEN (NEW.industry IN ('Technology', 'Healthcare', 'Finance', 'Retail', 'Manufacturing', 'Education', 'Real Estate', 'Consulting', 'Other'))
    EXECUTE FUNCTION know_industry();
"""

SEARCHED = Searched(
    "customers",
    service=SERVICE,
    columns=("name", "company_name", "email", "customer_code"),
    digits=("phone",),
    code="customer_code",
    keys=("email_norm", "phone_tail", "name_norm"),
)

# Statistics of tables that are young, for whoever brings many rows; later on the server sees to them by itself.
ANALYZE = """
    CREATE FUNCTION analyze_customers() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        IF (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'public.customers'::regclass) < 10000 THEN
            ANALYZE public.customers, public.customer_tags;
        END IF;
    END $$;
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("company_refs", service=SERVICE, grant="SELECT, INSERT, UPDATE")
    protect("user_refs", service=SERVICE, grant="SELECT, INSERT, UPDATE")
    protect_transfers("customer_transfers", service=SERVICE)
    protect("industries", service=SERVICE, grant="SELECT, INSERT")
    protect("customer_codes", service=SERVICE, grant="SELECT, INSERT, UPDATE")
    protect("customers", service=SERVICE)
    protect("customer_tags", service=SERVICE, grant="SELECT, INSERT, DELETE")
    op.execute(INDUSTRIES)
    op.execute(tags_triggers("customer_tags", "customers", "customer_id"))
    keep_search_text(SEARCHED)
    create_search_index("customers")
    create_search(SEARCHED)
    op.execute(ANALYZE)
    op.execute("REVOKE ALL ON FUNCTION analyze_customers() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION analyze_customers() TO customers_app")


def downgrade() -> None:
    """What the tables hold would be lost; go back by restoring a backup."""
