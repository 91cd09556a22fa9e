"""Leads on their way to customers and deals, and records that change hands."""

from alembic import op

from chassis.db.migrations import create_waiting, protect, protect_transfers

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE conversions (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        lead_id BIGINT NOT NULL,
        state VARCHAR(20) DEFAULT 'converting' NOT NULL,
        wishes JSONB NOT NULL,
        assigned_to BIGINT,
        lead_version BIGINT NOT NULL,
        customer_id BIGINT,
        contact_id BIGINT,
        deal_id BIGINT,
        deal_version BIGINT,
        deal_created BOOLEAN DEFAULT false NOT NULL,
        result JSONB,
        error_code VARCHAR(60),
        error_detail TEXT,
        candidates JSONB,
        kept JSONB,
        own_only BOOLEAN DEFAULT false NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        event_id UUID,
        created_by BIGINT,
        finished_at TIMESTAMP WITH TIME ZONE,
        undone_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_conversions PRIMARY KEY (company_id, id),
        CONSTRAINT ck_conversions_state CHECK (state IN ('converting', 'completed', 'failed', 'cancelled', 'undone')),
        CONSTRAINT fk_conversions_company_id_lead_id FOREIGN KEY(company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_conversions_company_id_deal_id FOREIGN KEY(company_id, deal_id) REFERENCES deals (company_id, id) ON DELETE SET NULL (deal_id),
        CONSTRAINT fk_conversions_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (assigned_to),
        CONSTRAINT fk_conversions_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_conversions_assigned_to ON conversions (company_id, assigned_to) WHERE assigned_to IS NOT NULL;
    CREATE INDEX ix_conversions_company_id_created_at ON conversions (company_id, created_at, id);
    CREATE INDEX ix_conversions_converting ON conversions (created_at) WHERE state = 'converting';
    CREATE INDEX ix_conversions_created_by ON conversions (company_id, created_by) WHERE created_by IS NOT NULL;
    CREATE INDEX ix_conversions_customer_id ON conversions (company_id, customer_id) WHERE customer_id IS NOT NULL;
    CREATE INDEX ix_conversions_deal_id ON conversions (company_id, deal_id) WHERE deal_id IS NOT NULL;
    CREATE INDEX ix_conversions_lead_id ON conversions (company_id, lead_id, created_at, id);
    CREATE INDEX ix_conversions_state ON conversions (company_id, state, created_at, id);
    CREATE UNIQUE INDEX uq_conversions_lead ON conversions (company_id, lead_id) WHERE state = 'converting';

    CREATE TABLE customer_moves (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        lead_id BIGINT,
        deal_id BIGINT,
        from_customer_id BIGINT NOT NULL,
        to_customer_id BIGINT NOT NULL,
        event_id UUID NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_moves PRIMARY KEY (company_id, id),
        CONSTRAINT ck_customer_moves_record CHECK (num_nonnulls(lead_id, deal_id) = 1),
        CONSTRAINT fk_customer_moves_company_id_lead_id FOREIGN KEY(company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_customer_moves_company_id_deal_id FOREIGN KEY(company_id, deal_id) REFERENCES deals (company_id, id) ON DELETE CASCADE
    );
    CREATE INDEX ix_customer_moves_deal_id ON customer_moves (company_id, deal_id);
    CREATE INDEX ix_customer_moves_from ON customer_moves (company_id, from_customer_id, to_customer_id);
    CREATE INDEX ix_customer_moves_lead_id ON customer_moves (company_id, lead_id);

    CREATE TABLE customer_purges (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        customer_id BIGINT NOT NULL,
        customer_version INTEGER NOT NULL,
        event_id UUID NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_customer_purges PRIMARY KEY (company_id, id),
        CONSTRAINT uq_customer_purges_company_id_customer_id UNIQUE (company_id, customer_id)
    );
    CREATE INDEX ix_customer_purges_pending ON customer_purges (company_id, customer_id) WHERE finished_at IS NULL;

    CREATE TABLE lead_transfers (
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
        CONSTRAINT pk_lead_transfers PRIMARY KEY (company_id, id),
        CONSTRAINT fk_lead_transfers_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_lead_transfers_company_id_event_id UNIQUE (company_id, event_id),
        CONSTRAINT ck_lead_transfers_targets CHECK (jsonb_typeof(targets) = 'array')
    );
    CREATE INDEX ix_lead_transfers_pending ON lead_transfers (company_id, id) WHERE finished_at IS NULL;

    CREATE TABLE deal_transfers (
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
        CONSTRAINT pk_deal_transfers PRIMARY KEY (company_id, id),
        CONSTRAINT fk_deal_transfers_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_deal_transfers_company_id_event_id UNIQUE (company_id, event_id),
        CONSTRAINT ck_deal_transfers_targets CHECK (jsonb_typeof(targets) = 'array')
    );
    CREATE INDEX ix_deal_transfers_pending ON deal_transfers (company_id, id) WHERE finished_at IS NULL;
"""


def upgrade() -> None:
    # A transaction after the key was made, so that no table is locked for as long as it takes.
    op.execute("ALTER TABLE leads VALIDATE CONSTRAINT fk_leads_company_id_converted_deal_id")
    op.execute(TABLES)
    protect("conversions", service="pipeline")
    protect("customer_moves", service="pipeline")
    protect("customer_purges", service="pipeline")
    create_waiting(
        "customer_purges",
        service="pipeline",
        where="finished_at IS NULL",
        carried={"correlation_id": "text", "event_id": "uuid"},
    )
    protect_transfers("lead_transfers", service="pipeline")
    protect_transfers("deal_transfers", service="pipeline")


def downgrade() -> None:
    op.execute("DROP TABLE deal_transfers, lead_transfers, customer_purges, customer_moves, conversions CASCADE")
