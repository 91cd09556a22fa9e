"""Deals, the pipelines and stages that they go through, what happened to them and what money was worth."""

from alembic import op

from chassis.db.migrations import create_waiting, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE pipelines (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        name VARCHAR(100) NOT NULL,
        description TEXT,
        is_default BOOLEAN DEFAULT false NOT NULL,
        order_index INTEGER DEFAULT 0 NOT NULL,
        archived_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_pipelines PRIMARY KEY (company_id, id)
    );
    CREATE INDEX ix_pipelines_company_id_order_index ON pipelines (company_id, order_index, id);
    CREATE UNIQUE INDEX uq_pipelines_default ON pipelines (company_id) WHERE is_default;
    CREATE UNIQUE INDEX uq_pipelines_name ON pipelines (company_id, lower(name)) WHERE archived_at IS NULL;

    CREATE TABLE deal_stages (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        pipeline_id BIGINT NOT NULL,
        code VARCHAR(50) NOT NULL,
        name VARCHAR(100) NOT NULL,
        description TEXT,
        kind VARCHAR(50) NOT NULL,
        probability INTEGER,
        forecast_category VARCHAR(20) NOT NULL,
        order_index INTEGER DEFAULT 0 NOT NULL,
        is_active BOOLEAN DEFAULT true NOT NULL,
        expected_days INTEGER,
        stale_after_days INTEGER,
        required_fields JSONB DEFAULT '[]'::jsonb NOT NULL,
        moving_to BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_deal_stages PRIMARY KEY (company_id, id),
        CONSTRAINT ck_deal_stages_kind CHECK (kind IN ('open', 'won', 'lost')),
        CONSTRAINT ck_deal_stages_forecast_category CHECK (forecast_category IN ('pipeline', 'best_case', 'commit', 'closed', 'omitted')),
        CONSTRAINT ck_deal_stages_probability CHECK (probability IS NULL OR probability BETWEEN 0 AND 100),
        CONSTRAINT ck_deal_stages_won CHECK (kind <> 'won' OR probability IS NOT DISTINCT FROM 100),
        CONSTRAINT ck_deal_stages_lost CHECK (kind <> 'lost' OR probability IS NOT DISTINCT FROM 0),
        CONSTRAINT ck_deal_stages_expected_days CHECK (expected_days IS NULL OR expected_days > 0),
        CONSTRAINT ck_deal_stages_stale_after_days CHECK (stale_after_days IS NULL OR stale_after_days > 0),
        CONSTRAINT ck_deal_stages_required_fields CHECK (jsonb_typeof(required_fields) = 'array'),
        CONSTRAINT fk_deal_stages_company_id_pipeline_id FOREIGN KEY(company_id, pipeline_id) REFERENCES pipelines (company_id, id) ON DELETE CASCADE,
        CONSTRAINT uq_deal_stages_company_id_pipeline_id_code UNIQUE (company_id, pipeline_id, code),
        CONSTRAINT uq_deal_stages_company_id_pipeline_id_order_index UNIQUE (company_id, pipeline_id, order_index) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT uq_deal_stages_company_id_id_pipeline_id_code_kind UNIQUE (company_id, id, pipeline_id, code, kind)
    );
    CREATE INDEX ix_deal_stages_moving ON deal_stages (company_id, id) WHERE moving_to IS NOT NULL;

    CREATE TABLE deals (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        customer_id BIGINT NOT NULL,
        lead_id BIGINT,
        deal_name VARCHAR(255) NOT NULL,
        deal_value NUMERIC(15, 2) NOT NULL,
        currency VARCHAR(10) DEFAULT 'USD' NOT NULL,
        pipeline_id BIGINT NOT NULL,
        stage_id BIGINT NOT NULL,
        stage VARCHAR(50) DEFAULT 'prospect' NOT NULL,
        status VARCHAR(50) DEFAULT 'open' NOT NULL,
        probability INTEGER DEFAULT 0 NOT NULL,
        probability_source VARCHAR(10) DEFAULT 'stage' NOT NULL,
        expected_close_date DATE,
        actual_close_date DATE,
        closed_by BIGINT,
        loss_reason_id BIGINT,
        loss_reason TEXT,
        last_open_probability INTEGER,
        close_rate NUMERIC(20, 10),
        close_rate_base VARCHAR(3),
        close_rate_date DATE,
        notes TEXT,
        assigned_to BIGINT,
        created_by BIGINT,
        position BIGINT DEFAULT 0 NOT NULL,
        stage_entered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        last_open_stage_id BIGINT,
        reopen_count INTEGER DEFAULT 0 NOT NULL,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        archived_with_customer BOOLEAN DEFAULT false NOT NULL,
        search_text TEXT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_deals PRIMARY KEY (company_id, id),
        CONSTRAINT ck_deals_deal_value CHECK (deal_value >= 0),
        CONSTRAINT ck_deals_currency CHECK (currency ~ '^[A-Z]{3}$'),
        CONSTRAINT ck_deals_status CHECK (status IN ('open', 'won', 'lost')),
        CONSTRAINT ck_deals_probability_source CHECK (probability_source IN ('stage', 'manual')),
        CONSTRAINT ck_deals_probability CHECK (probability BETWEEN 0 AND 100),
        CONSTRAINT ck_deals_closed_at CHECK ((status = 'open') = (closed_at IS NULL) AND (status = 'open') = (actual_close_date IS NULL)),
        CONSTRAINT ck_deals_loss_reason CHECK ((status = 'lost') = (loss_reason IS NOT NULL)),
        CONSTRAINT ck_deals_loss_reason_id CHECK (status = 'lost' OR loss_reason_id IS NULL),
        CONSTRAINT ck_deals_close_rate CHECK ((close_rate IS NULL) = (close_rate_base IS NULL) AND (close_rate IS NULL) = (close_rate_date IS NULL) AND (close_rate IS NULL OR status <> 'open') AND close_rate > 0),
        CONSTRAINT fk_deals_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customer_refs (company_id, customer_id) ON DELETE CASCADE,
        CONSTRAINT fk_deals_company_id_lead_id FOREIGN KEY(company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
        CONSTRAINT fk_deals_stage FOREIGN KEY(company_id, stage_id, pipeline_id, stage, status) REFERENCES deal_stages (company_id, id, pipeline_id, code, kind),
        CONSTRAINT fk_deals_company_id_last_open_stage_id FOREIGN KEY(company_id, last_open_stage_id) REFERENCES deal_stages (company_id, id) ON DELETE SET NULL (last_open_stage_id),
        CONSTRAINT fk_deals_company_id_loss_reason_id FOREIGN KEY(company_id, loss_reason_id) REFERENCES loss_reasons (company_id, id) ON DELETE SET NULL (loss_reason_id),
        CONSTRAINT fk_deals_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (assigned_to),
        CONSTRAINT fk_deals_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT fk_deals_company_id_closed_by FOREIGN KEY(company_id, closed_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (closed_by)
    );
    CREATE INDEX ix_deals_archived ON deals (company_id, created_at, id) WHERE archived_at IS NOT NULL;
    CREATE INDEX ix_deals_archived_by_event ON deals (company_id, archived_by_event) WHERE archived_by_event IS NOT NULL;
    CREATE INDEX ix_deals_assigned_to_created_at ON deals (company_id, assigned_to, created_at, id) INCLUDE (created_by, archived_at, status, updated_at);
    CREATE INDEX ix_deals_board ON deals (company_id, stage_id, position, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_deals_closed ON deals (company_id, closed_at, id) INCLUDE (pipeline_id, stage_id, status, currency, deal_value, close_rate, close_rate_base, close_rate_date, actual_close_date, created_at, assigned_to, created_by, customer_id, archived_at, archived_with_customer) WHERE closed_at IS NOT NULL;
    CREATE INDEX ix_deals_closed_by ON deals (company_id, closed_by) WHERE closed_by IS NOT NULL;
    CREATE INDEX ix_deals_company_id_closed_at ON deals (company_id, closed_at, id);
    CREATE INDEX ix_deals_company_id_created_at ON deals (company_id, created_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_deals_company_id_deal_name ON deals (company_id, deal_name, id);
    CREATE INDEX ix_deals_company_id_deal_value ON deals (company_id, deal_value, id);
    CREATE INDEX ix_deals_company_id_expected_close_date ON deals (company_id, expected_close_date, id);
    CREATE INDEX ix_deals_company_id_probability ON deals (company_id, probability, id);
    CREATE INDEX ix_deals_company_id_stage_entered_at ON deals (company_id, stage_entered_at, id);
    CREATE INDEX ix_deals_company_id_updated_at ON deals (company_id, updated_at, id);
    CREATE INDEX ix_deals_created_by_created_at ON deals (company_id, created_by, created_at, id) INCLUDE (assigned_to, archived_at, status, updated_at);
    CREATE INDEX ix_deals_customer_id_created_at ON deals (company_id, customer_id, created_at, id);
    CREATE INDEX ix_deals_last_open_stage_id ON deals (company_id, last_open_stage_id) WHERE last_open_stage_id IS NOT NULL;
    CREATE INDEX ix_deals_lead_id_created_at ON deals (company_id, lead_id, created_at, id) WHERE lead_id IS NOT NULL;
    CREATE INDEX ix_deals_loss_reason_id ON deals (company_id, loss_reason_id) WHERE loss_reason_id IS NOT NULL;
    CREATE INDEX ix_deals_open ON deals (company_id, pipeline_id, stage_id) INCLUDE (currency, deal_value, probability, assigned_to, created_by, expected_close_date) WHERE status = 'open' AND archived_at IS NULL;
    CREATE INDEX ix_deals_pipeline_id_created_at ON deals (company_id, pipeline_id, created_at, id);
    CREATE INDEX ix_deals_stage_created_at ON deals (company_id, stage, created_at, id);
    CREATE INDEX ix_deals_stage_id_closed_at ON deals (company_id, stage_id, closed_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_deals_stage_id_created_at ON deals (company_id, stage_id, created_at, id);
    CREATE INDEX ix_deals_status_created_at ON deals (company_id, status, created_at, id);

    CREATE TABLE deal_exports (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        format VARCHAR(10) NOT NULL,
        query TEXT NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_deal_exports PRIMARY KEY (company_id, id),
        CONSTRAINT fk_deal_exports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_deal_exports_company_id_created_at ON deal_exports (company_id, created_at, id);
    CREATE INDEX ix_deal_exports_created_by ON deal_exports (company_id, created_by);

    CREATE TABLE stage_history (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        lead_id BIGINT,
        deal_id BIGINT,
        pipeline_id BIGINT,
        from_stage_id BIGINT,
        to_stage_id BIGINT,
        from_name VARCHAR(100),
        from_kind VARCHAR(50),
        to_code VARCHAR(50),
        to_name VARCHAR(100) NOT NULL,
        to_kind VARCHAR(50) NOT NULL,
        entered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        left_at TIMESTAMP WITH TIME ZONE,
        moved_by BIGINT,
        value NUMERIC(15, 2),
        currency VARCHAR(10) NOT NULL,
        probability INTEGER,
        status VARCHAR(50) NOT NULL,
        administrative BOOLEAN DEFAULT false NOT NULL,
        event_id UUID,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_stage_history PRIMARY KEY (company_id, id),
        CONSTRAINT ck_stage_history_record CHECK (num_nonnulls(lead_id, deal_id) = 1),
        CONSTRAINT ck_stage_history_left_at CHECK (left_at >= entered_at),
        CONSTRAINT fk_stage_history_company_id_lead_id FOREIGN KEY(company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_stage_history_company_id_deal_id FOREIGN KEY(company_id, deal_id) REFERENCES deals (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_stage_history_company_id_moved_by FOREIGN KEY(company_id, moved_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (moved_by)
    );
    CREATE INDEX ix_stage_history_deal_id ON stage_history (company_id, deal_id, entered_at, id) WHERE deal_id IS NOT NULL;
    CREATE INDEX ix_stage_history_lead_id ON stage_history (company_id, lead_id, entered_at, id) WHERE lead_id IS NOT NULL;
    CREATE INDEX ix_stage_history_moved_by ON stage_history (company_id, moved_by) WHERE moved_by IS NOT NULL;
    CREATE INDEX ix_stage_history_pipeline_id_left_at ON stage_history (company_id, pipeline_id, left_at);
    CREATE UNIQUE INDEX uq_stage_history_deal ON stage_history (company_id, deal_id) WHERE left_at IS NULL;
    CREATE UNIQUE INDEX uq_stage_history_lead ON stage_history (company_id, lead_id) WHERE left_at IS NULL;

    CREATE TABLE close_date_history (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        deal_id BIGINT NOT NULL,
        old_date DATE,
        new_date DATE,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        changed_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_close_date_history PRIMARY KEY (company_id, id),
        CONSTRAINT fk_close_date_history_company_id_deal_id FOREIGN KEY(company_id, deal_id) REFERENCES deals (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_close_date_history_company_id_changed_by FOREIGN KEY(company_id, changed_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (changed_by)
    );
    CREATE INDEX ix_close_date_history_changed_at ON close_date_history (company_id, changed_at);
    CREATE INDEX ix_close_date_history_changed_by ON close_date_history (company_id, changed_by) WHERE changed_by IS NOT NULL;
    CREATE INDEX ix_close_date_history_deal_id ON close_date_history (company_id, deal_id, changed_at, id);
    CREATE INDEX ix_close_date_history_new_date ON close_date_history (company_id, new_date);

    CREATE TABLE exchange_rates (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        currency VARCHAR(3) NOT NULL,
        base_currency VARCHAR(3) NOT NULL,
        rate NUMERIC(20, 10) NOT NULL,
        valid_on DATE NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_exchange_rates PRIMARY KEY (company_id, id),
        CONSTRAINT ck_exchange_rates_rate CHECK (rate > 0),
        CONSTRAINT ck_exchange_rates_currency CHECK (currency ~ '^[A-Z]{3}$'),
        CONSTRAINT ck_exchange_rates_base_currency CHECK (base_currency ~ '^[A-Z]{3}$'),
        CONSTRAINT ck_exchange_rates_currencies CHECK (currency <> base_currency),
        CONSTRAINT fk_exchange_rates_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_exchange_rates_company_id_valid_on ON exchange_rates (company_id, valid_on, id);
    CREATE INDEX ix_exchange_rates_created_by ON exchange_rates (company_id, created_by) WHERE created_by IS NOT NULL;
    CREATE UNIQUE INDEX uq_exchange_rates_company_id_currency_base_currency_valid_on ON exchange_rates (company_id, currency, base_currency, valid_on);

    ALTER TABLE leads ADD CONSTRAINT fk_leads_company_id_converted_deal_id FOREIGN KEY(company_id, converted_deal_id) REFERENCES deals (company_id, id) ON DELETE SET NULL (converted_deal_id) NOT VALID;
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("pipelines", service="pipeline")
    protect("deal_stages", service="pipeline")
    protect("deals", service="pipeline")
    protect("deal_exports", service="pipeline", grant="SELECT, INSERT")
    protect("stage_history", service="pipeline", grant="SELECT, INSERT, UPDATE (left_at, version, updated_at)")
    protect("close_date_history", service="pipeline", grant="SELECT, INSERT")
    protect("exchange_rates", service="pipeline")
    create_waiting("deal_stages", service="pipeline", where="moving_to IS NOT NULL", carried={})


def downgrade() -> None:
    op.execute(
        "DROP TABLE exchange_rates, close_date_history, stage_history, deal_exports, deals, deal_stages, pipelines CASCADE"
    )
