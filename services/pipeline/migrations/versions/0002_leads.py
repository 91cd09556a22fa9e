"""Leads, the stages that they go through, and why they are lost."""

from alembic import op

from chassis.db.migrations import create_waiting, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE loss_reasons (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        name VARCHAR(100) NOT NULL,
        requires_text BOOLEAN DEFAULT false NOT NULL,
        is_active BOOLEAN DEFAULT true NOT NULL,
        order_index INTEGER DEFAULT 0 NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_loss_reasons PRIMARY KEY (company_id, id)
    );
    CREATE UNIQUE INDEX uq_loss_reasons_name ON loss_reasons (company_id, lower(name));

    CREATE TABLE lead_stages (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        name VARCHAR(100) NOT NULL,
        description TEXT,
        order_index INTEGER DEFAULT 0 NOT NULL,
        is_active BOOLEAN DEFAULT true NOT NULL,
        lead_status VARCHAR(50) NOT NULL,
        probability INTEGER,
        stale_after_days INTEGER,
        moving_to BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_lead_stages PRIMARY KEY (company_id, id),
        CONSTRAINT ck_lead_stages_lead_status CHECK (lead_status IN ('new', 'contacted', 'qualified', 'lost', 'converted')),
        CONSTRAINT ck_lead_stages_probability CHECK (probability IS NULL OR probability BETWEEN 0 AND 100),
        CONSTRAINT ck_lead_stages_stale_after_days CHECK (stale_after_days IS NULL OR stale_after_days > 0),
        CONSTRAINT uq_lead_stages_company_id_order_index UNIQUE (company_id, order_index) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT uq_lead_stages_company_id_id_lead_status UNIQUE (company_id, id, lead_status)
    );
    CREATE INDEX ix_lead_stages_moving ON lead_stages (company_id, id) WHERE moving_to IS NOT NULL;
    CREATE UNIQUE INDEX uq_lead_stages_name ON lead_stages (company_id, lower(name));

    CREATE TABLE leads (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        lead_name VARCHAR(255) NOT NULL,
        customer_id BIGINT,
        email VARCHAR(255),
        phone VARCHAR(50),
        source VARCHAR(100),
        stage_id BIGINT,
        status VARCHAR(50) DEFAULT 'new' NOT NULL,
        priority VARCHAR(20) DEFAULT 'medium' NOT NULL,
        priority_rank SMALLINT GENERATED ALWAYS AS (CASE priority WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 END) STORED NOT NULL,
        probability INTEGER,
        probability_source VARCHAR(10) DEFAULT 'stage' NOT NULL,
        estimated_value NUMERIC(15, 2),
        currency VARCHAR(3) DEFAULT 'USD' NOT NULL,
        expected_close_date DATE,
        description TEXT,
        notes TEXT,
        loss_reason_id BIGINT,
        loss_reason TEXT,
        assigned_to BIGINT,
        created_by BIGINT,
        position BIGINT DEFAULT 0 NOT NULL,
        stage_entered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        last_open_stage_id BIGINT,
        reopen_count INTEGER DEFAULT 0 NOT NULL,
        converted_at TIMESTAMP WITH TIME ZONE,
        converted_customer_id BIGINT,
        converted_contact_id BIGINT,
        converted_deal_id BIGINT,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        archived_with_customer BOOLEAN DEFAULT false NOT NULL,
        email_norm TEXT,
        phone_e164 TEXT,
        phone_tail TEXT,
        name_norm TEXT,
        search_text TEXT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_leads PRIMARY KEY (company_id, id),
        CONSTRAINT ck_leads_estimated_value CHECK (estimated_value IS NULL OR estimated_value > 0),
        CONSTRAINT ck_leads_email CHECK (email IS NULL OR email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
        CONSTRAINT ck_leads_currency CHECK (currency ~ '^[A-Z]{3}$'),
        CONSTRAINT ck_leads_status CHECK (status IN ('new', 'contacted', 'qualified', 'lost', 'converted')),
        CONSTRAINT ck_leads_priority CHECK (priority IN ('low', 'medium', 'high')),
        CONSTRAINT ck_leads_probability_source CHECK (probability_source IN ('stage', 'manual')),
        CONSTRAINT ck_leads_probability CHECK (probability IS NULL OR probability BETWEEN 0 AND 100),
        CONSTRAINT ck_leads_loss_reason CHECK (status = 'lost' OR (loss_reason_id IS NULL AND loss_reason IS NULL)),
        CONSTRAINT ck_leads_closed_at CHECK ((status IN ('lost', 'converted')) = (closed_at IS NOT NULL)),
        CONSTRAINT ck_leads_converted CHECK (status = 'converted' OR (converted_at IS NULL AND converted_customer_id IS NULL AND converted_contact_id IS NULL AND converted_deal_id IS NULL)),
        CONSTRAINT fk_leads_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customer_refs (company_id, customer_id) ON DELETE CASCADE,
        CONSTRAINT fk_leads_company_id_stage_id_status FOREIGN KEY(company_id, stage_id, status) REFERENCES lead_stages (company_id, id, lead_status) ON DELETE SET NULL (stage_id),
        CONSTRAINT fk_leads_company_id_last_open_stage_id FOREIGN KEY(company_id, last_open_stage_id) REFERENCES lead_stages (company_id, id) ON DELETE SET NULL (last_open_stage_id),
        CONSTRAINT fk_leads_company_id_loss_reason_id FOREIGN KEY(company_id, loss_reason_id) REFERENCES loss_reasons (company_id, id) ON DELETE SET NULL (loss_reason_id),
        CONSTRAINT fk_leads_company_id_converted_customer_id FOREIGN KEY(company_id, converted_customer_id) REFERENCES customer_refs (company_id, customer_id) ON DELETE SET NULL (converted_customer_id),
        CONSTRAINT fk_leads_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (assigned_to),
        CONSTRAINT fk_leads_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_leads_active ON leads (company_id, assigned_to, stage_id) WHERE closed_at IS NULL AND archived_at IS NULL;
    CREATE INDEX ix_leads_archived ON leads (company_id, created_at, id) WHERE archived_at IS NOT NULL;
    CREATE INDEX ix_leads_archived_by_event ON leads (company_id, archived_by_event) WHERE archived_by_event IS NOT NULL;
    CREATE INDEX ix_leads_assigned_to_created_at ON leads (company_id, assigned_to, created_at, id) INCLUDE (created_by, archived_at, status, updated_at);
    CREATE INDEX ix_leads_assigned_to_stage_id ON leads (company_id, assigned_to, stage_id);
    CREATE INDEX ix_leads_board ON leads (company_id, stage_id, position, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_leads_company_id_closed_at ON leads (company_id, closed_at, id);
    CREATE INDEX ix_leads_company_id_created_at ON leads (company_id, created_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_leads_company_id_estimated_value ON leads (company_id, estimated_value, id);
    CREATE INDEX ix_leads_company_id_expected_close_date ON leads (company_id, expected_close_date, id);
    CREATE INDEX ix_leads_company_id_lead_name ON leads (company_id, lead_name, id);
    CREATE INDEX ix_leads_company_id_probability ON leads (company_id, probability, id);
    CREATE INDEX ix_leads_company_id_stage_entered_at ON leads (company_id, stage_entered_at, id);
    CREATE INDEX ix_leads_company_id_updated_at ON leads (company_id, updated_at, id);
    CREATE INDEX ix_leads_converted_customer_id ON leads (company_id, converted_customer_id) WHERE converted_customer_id IS NOT NULL;
    CREATE INDEX ix_leads_converted_deal_id ON leads (company_id, converted_deal_id) WHERE converted_deal_id IS NOT NULL;
    CREATE INDEX ix_leads_created_by_created_at ON leads (company_id, created_by, created_at, id) INCLUDE (assigned_to, archived_at, status, updated_at);
    CREATE INDEX ix_leads_customer_id_created_at ON leads (company_id, customer_id, created_at, id);
    CREATE INDEX ix_leads_customer_id_stage_id ON leads (company_id, customer_id, stage_id);
    CREATE INDEX ix_leads_email ON leads (company_id, email) WHERE email IS NOT NULL;
    CREATE INDEX ix_leads_email_norm ON leads (company_id, email_norm) WHERE email_norm IS NOT NULL;
    CREATE INDEX ix_leads_expiring ON leads (closed_at) WHERE closed_at IS NOT NULL;
    CREATE INDEX ix_leads_last_open_stage_id ON leads (company_id, last_open_stage_id) WHERE last_open_stage_id IS NOT NULL;
    CREATE INDEX ix_leads_loss_reason_id ON leads (company_id, loss_reason_id) WHERE loss_reason_id IS NOT NULL;
    CREATE INDEX ix_leads_name_norm ON leads (company_id, name_norm);
    CREATE INDEX ix_leads_open_stale ON leads (company_id, stage_entered_at) WHERE status IN ('new', 'contacted', 'qualified');
    CREATE INDEX ix_leads_phone_e164 ON leads (company_id, phone_e164) WHERE phone_e164 IS NOT NULL;
    CREATE INDEX ix_leads_phone_tail ON leads (company_id, phone_tail) WHERE phone_tail IS NOT NULL;
    CREATE INDEX ix_leads_priority_rank_created_at ON leads (company_id, priority_rank, created_at, id);
    CREATE INDEX ix_leads_source_created_at ON leads (company_id, source, created_at, id);
    CREATE INDEX ix_leads_stage_id_closed_at ON leads (company_id, stage_id, closed_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_leads_stage_id_created_at ON leads (company_id, stage_id, created_at, id);
    CREATE INDEX ix_leads_status_created_at ON leads (company_id, status, created_at, id);

    CREATE TABLE lead_exports (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        format VARCHAR(10) NOT NULL,
        query TEXT NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_lead_exports PRIMARY KEY (company_id, id),
        CONSTRAINT fk_lead_exports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_lead_exports_company_id_created_at ON lead_exports (company_id, created_at, id);
    CREATE INDEX ix_lead_exports_created_by ON lead_exports (company_id, created_by);
"""

# For the job of retention, which looks at all tenants: seed A keeps leads for five years after they closed.
EXPIRED = """
    CREATE FUNCTION expired_leads(most integer) RETURNS TABLE (company_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT l.company_id, l.id FROM public.leads l
        WHERE l.closed_at IS NOT NULL AND l.closed_at < now() - interval '5 years'
        ORDER BY l.closed_at LIMIT most
    $$;
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("loss_reasons", service="pipeline")
    protect("lead_stages", service="pipeline")
    protect("leads", service="pipeline")
    protect("lead_exports", service="pipeline", grant="SELECT, INSERT")
    create_waiting("lead_stages", service="pipeline", where="moving_to IS NOT NULL", carried={})
    op.execute(EXPIRED)
    op.execute("REVOKE ALL ON FUNCTION expired_leads(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION expired_leads(integer) TO pipeline_app")


def downgrade() -> None:
    op.execute("DROP TABLE lead_exports, leads, lead_stages, loss_reasons CASCADE")
