"""Invitations, the secrets that letters carry, the letters themselves, and security events."""

from alembic import op

from chassis.db.migrations import protect, protect_mails

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERVICE = "identity"

TABLES = r"""
    CREATE TABLE invitations (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        email VARCHAR(255) NOT NULL,
        role VARCHAR(50) NOT NULL,
        permissions JSONB,
        status VARCHAR(20) DEFAULT 'pending' NOT NULL,
        invited_by BIGINT NOT NULL,
        accepted_by BIGINT,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        sent_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_invitations PRIMARY KEY (company_id, id),
        CONSTRAINT fk_invitations_company_id FOREIGN KEY(company_id) REFERENCES companies (id) ON DELETE CASCADE,
        CONSTRAINT ck_invitations_email CHECK (email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
        CONSTRAINT ck_invitations_role CHECK (role IN ('super_admin', 'admin', 'manager', 'sales_rep', 'user')),
        CONSTRAINT ck_invitations_status CHECK (status IN ('pending', 'accepted', 'withdrawn')),
        CONSTRAINT ck_invitations_permissions CHECK (jsonb_typeof(permissions) = 'object'),
        CONSTRAINT ck_invitations_decided CHECK ((status = 'pending') = (decided_at IS NULL))
    );

    CREATE INDEX ix_invitations_company_id_created_at ON invitations (company_id, created_at, id);
    CREATE UNIQUE INDEX uq_invitations_pending ON invitations (company_id, lower(email)) WHERE status = 'pending';

    CREATE TABLE one_time_tokens (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        purpose VARCHAR(20) NOT NULL,
        user_id BIGINT,
        invitation_id BIGINT,
        token_hash BYTEA NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_one_time_tokens PRIMARY KEY (company_id, id),
        CONSTRAINT fk_one_time_tokens_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_companies (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT fk_one_time_tokens_company_id_invitation_id FOREIGN KEY(company_id, invitation_id) REFERENCES invitations (company_id, id) ON DELETE CASCADE,
        CONSTRAINT ck_one_time_tokens_purpose CHECK (purpose IN ('verify_email', 'reset_password', 'invitation')),
        CONSTRAINT ck_one_time_tokens_invitation CHECK ((purpose = 'invitation') = (invitation_id IS NOT NULL)),
        CONSTRAINT ck_one_time_tokens_user CHECK ((purpose = 'invitation') = (user_id IS NULL)),
        CONSTRAINT uq_one_time_tokens_token_hash UNIQUE (token_hash)
    );

    CREATE INDEX ix_one_time_tokens_company_id_invitation_id ON one_time_tokens (company_id, invitation_id);
    CREATE INDEX ix_one_time_tokens_company_id_user_id ON one_time_tokens (company_id, user_id);
    CREATE INDEX ix_one_time_tokens_expires_at ON one_time_tokens (expires_at);

    CREATE TABLE mails (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        recipient VARCHAR(255) NOT NULL,
        subject VARCHAR(200) NOT NULL,
        body TEXT,
        status VARCHAR(20) DEFAULT 'pending' NOT NULL,
        attempts INTEGER DEFAULT 0 NOT NULL,
        next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        sent_at TIMESTAMP WITH TIME ZONE,
        last_error VARCHAR(500),
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_mails PRIMARY KEY (company_id, id),
        CONSTRAINT fk_mails_company_id FOREIGN KEY(company_id) REFERENCES companies (id) ON DELETE CASCADE,
        CONSTRAINT ck_mails_status CHECK (status IN ('pending', 'sent', 'failed', 'withdrawn')),
        CONSTRAINT ck_mails_body CHECK ((status = 'pending') = (body IS NOT NULL))
    );

    CREATE INDEX ix_mails_due ON mails (next_attempt_at) WHERE status = 'pending';
    CREATE INDEX ix_mails_updated_at ON mails (updated_at) WHERE status <> 'pending';

    CREATE TABLE security_events (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        kind VARCHAR(50) NOT NULL,
        user_id BIGINT,
        detail JSONB DEFAULT '{}' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_security_events PRIMARY KEY (company_id, id),
        CONSTRAINT fk_security_events_company_id FOREIGN KEY(company_id) REFERENCES companies (id) ON DELETE CASCADE,
        CONSTRAINT ck_security_events_detail CHECK (jsonb_typeof(detail) = 'object')
    );

    CREATE INDEX ix_security_events_company_id_created_at ON security_events (company_id, created_at, id);
    CREATE INDEX ix_security_events_created_at ON security_events (created_at);
"""

# As in migration 0001.
FUNCTIONS = {
    "find_one_time_token(bytea)": """
        CREATE FUNCTION find_one_time_token(wanted_hash bytea)
        RETURNS TABLE (company_id bigint, token_id bigint)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT t.company_id, t.id FROM public.one_time_tokens t WHERE t.token_hash = wanted_hash
        $$
    """,
    "purge_identity(integer)": """
        CREATE FUNCTION purge_identity(most integer) RETURNS bigint
        LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE total bigint := 0; gone bigint;
        BEGIN
            DELETE FROM public.revocations r WHERE r.ctid = ANY (ARRAY(SELECT o.ctid FROM public.revocations o
                WHERE o.changed_at < now() - interval '20 minutes' AND (o.kind <> 'company' OR o.value = 0)
                LIMIT most));
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.login_throttles t WHERE t.ctid = ANY (ARRAY(SELECT o.ctid FROM public.login_throttles o
                WHERE o.updated_at < now() - interval '1 day' LIMIT most));
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.login_attempts k WHERE k.ctid = ANY (ARRAY(SELECT o.ctid FROM public.login_attempts o
                WHERE o.created_at < now() - interval '1 day' LIMIT most));
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.one_time_tokens t WHERE t.ctid = ANY (ARRAY(SELECT o.ctid FROM public.one_time_tokens o
                WHERE o.expires_at < now() - interval '30 days' LIMIT most));
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.sessions s WHERE s.ctid = ANY (ARRAY(SELECT o.ctid FROM public.sessions o
                WHERE o.expires_at < now() - interval '90 days' LIMIT most));
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.security_events e WHERE e.ctid = ANY (ARRAY(SELECT o.ctid FROM public.security_events o
                WHERE o.created_at < now() - interval '90 days' LIMIT most));
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            RETURN total;
        END $$
    """,
}


def upgrade() -> None:
    op.execute(TABLES)
    touched = "version, updated_at"
    protect(
        "invitations",
        service=SERVICE,
        grant=f"SELECT, INSERT, UPDATE ({touched}, status, invited_by, accepted_by, expires_at, sent_at, decided_at)",
    )
    protect("one_time_tokens", service=SERVICE, grant=f"SELECT, INSERT, UPDATE ({touched}, used_at)")
    protect_mails(service=SERVICE)
    protect("security_events", service=SERVICE, grant="SELECT, INSERT")
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO identity_app")


def downgrade() -> None:
    """What the tables hold would be lost; go back by restoring a backup."""
