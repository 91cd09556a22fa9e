"""Members with a status, invitations, one-time tokens, API keys, e-mail, security events, throttles, revocations."""

from alembic import op

from chassis.db.migrations import protect

revision = "0002"
down_revision = "0001"
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
        CONSTRAINT pk_invitations PRIMARY KEY (id),
        CONSTRAINT fk_invitations_company_id FOREIGN KEY(company_id) REFERENCES companies (id) ON DELETE CASCADE,
        CONSTRAINT ck_invitations_email CHECK (email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
        CONSTRAINT ck_invitations_role CHECK (role IN ('super_admin', 'admin', 'manager', 'sales_rep', 'user')),
        CONSTRAINT ck_invitations_status CHECK (status IN ('pending', 'accepted', 'withdrawn')),
        CONSTRAINT ck_invitations_permissions CHECK (jsonb_typeof(permissions) = 'object'),
        CONSTRAINT ck_invitations_decided CHECK ((status = 'pending') = (decided_at IS NULL)),
        CONSTRAINT uq_invitations_company_id_id UNIQUE (company_id, id)
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
        CONSTRAINT pk_one_time_tokens PRIMARY KEY (id),
        CONSTRAINT fk_one_time_tokens_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_companies (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT fk_one_time_tokens_company_id_invitation_id FOREIGN KEY(company_id, invitation_id) REFERENCES invitations (company_id, id) ON DELETE CASCADE,
        CONSTRAINT ck_one_time_tokens_purpose CHECK (purpose IN ('verify_email', 'reset_password', 'invitation')),
        CONSTRAINT ck_one_time_tokens_invitation CHECK ((purpose = 'invitation') = (invitation_id IS NOT NULL)),
        CONSTRAINT ck_one_time_tokens_user CHECK ((purpose = 'invitation') = (user_id IS NULL)),
        CONSTRAINT uq_one_time_tokens_company_id_id UNIQUE (company_id, id),
        CONSTRAINT uq_one_time_tokens_token_hash UNIQUE (token_hash)
    );

    CREATE INDEX ix_one_time_tokens_company_id_invitation_id ON one_time_tokens (company_id, invitation_id);

    CREATE INDEX ix_one_time_tokens_company_id_user_id ON one_time_tokens (company_id, user_id);

    CREATE INDEX ix_one_time_tokens_expires_at ON one_time_tokens (expires_at);

    CREATE TABLE api_keys (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        name VARCHAR(100) NOT NULL,
        prefix VARCHAR(20) NOT NULL,
        secret_hash BYTEA NOT NULL,
        scopes JSONB DEFAULT '[]' NOT NULL,
        user_id BIGINT NOT NULL,
        sid UUID NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        last_used_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_api_keys PRIMARY KEY (id),
        CONSTRAINT fk_api_keys_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_companies (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT ck_api_keys_scopes CHECK (jsonb_typeof(scopes) = 'array'),
        CONSTRAINT uq_api_keys_company_id_id UNIQUE (company_id, id),
        CONSTRAINT uq_api_keys_prefix UNIQUE (prefix),
        CONSTRAINT uq_api_keys_sid UNIQUE (sid)
    );

    CREATE INDEX ix_api_keys_company_id_created_at ON api_keys (company_id, created_at, id);

    CREATE INDEX ix_api_keys_company_id_user_id ON api_keys (company_id, user_id);

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
        CONSTRAINT pk_mails PRIMARY KEY (id),
        CONSTRAINT fk_mails_company_id FOREIGN KEY(company_id) REFERENCES companies (id) ON DELETE CASCADE,
        CONSTRAINT ck_mails_status CHECK (status IN ('pending', 'sent', 'failed')),
        CONSTRAINT ck_mails_body CHECK ((status = 'pending') = (body IS NOT NULL)),
        CONSTRAINT uq_mails_company_id_id UNIQUE (company_id, id)
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
        CONSTRAINT pk_security_events PRIMARY KEY (id),
        CONSTRAINT fk_security_events_company_id FOREIGN KEY(company_id) REFERENCES companies (id) ON DELETE CASCADE,
        CONSTRAINT ck_security_events_detail CHECK (jsonb_typeof(detail) = 'object'),
        CONSTRAINT uq_security_events_company_id_id UNIQUE (company_id, id)
    );

    CREATE INDEX ix_security_events_company_id_created_at ON security_events (company_id, created_at, id);

    CREATE INDEX ix_security_events_created_at ON security_events (created_at);

    CREATE TABLE login_throttles (
        key BYTEA NOT NULL,
        failures INTEGER NOT NULL,
        blocked_until TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_login_throttles PRIMARY KEY (key)
    );

    CREATE INDEX ix_login_throttles_updated_at ON login_throttles (updated_at);

    CREATE TABLE knocks (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind VARCHAR(20) NOT NULL,
        email VARCHAR(255) NOT NULL,
        request_id VARCHAR(64) NOT NULL,
        client_ip VARCHAR(64),
        user_agent VARCHAR(500),
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_knocks PRIMARY KEY (id),
        CONSTRAINT ck_knocks_kind CHECK (kind IN ('sign_in_failed', 'password_forgotten'))
    );

    CREATE TABLE revocations (
        kind VARCHAR(10) NOT NULL,
        key VARCHAR(36) NOT NULL,
        value BIGINT NOT NULL,
        changed_in BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_revocations PRIMARY KEY (kind, key),
        CONSTRAINT ck_revocations_kind CHECK (kind IN ('user', 'session', 'company'))
    );

    CREATE INDEX ix_revocations_changed_at ON revocations (changed_at);

    CREATE INDEX ix_revocations_changed_in ON revocations (changed_in);
"""

# The new columns of a table that is in use: migration 0003 checks the constraints in a transaction of its own, in which
# no writer waits.
COLUMNS = """
    ALTER TABLE user_companies
        ADD COLUMN status VARCHAR(20) DEFAULT 'active' NOT NULL,
        ADD COLUMN transfer_plan JSONB;

    ALTER TABLE user_companies
        ADD CONSTRAINT ck_user_companies_status
            CHECK (status IN ('active', 'suspended', 'deactivated')) NOT VALID,
        ADD CONSTRAINT ck_user_companies_transfer_plan
            CHECK (jsonb_typeof(transfer_plan) = 'object') NOT VALID;
"""

# Questions that are asked before a tenant is known, or about one user's companies. Each runs as the owner, whose policy
# shows all rows, and answers no more than it takes to go on under row-level security (as in migration 0001).
FUNCTIONS = {
    "find_login(text, bigint)": """
        CREATE OR REPLACE FUNCTION find_login(wanted_email text, wanted_company bigint)
        RETURNS TABLE (user_id bigint, password_hash text, is_active boolean, company_id bigint)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT u.id, u.password_hash, u.is_active, m.company_id
            FROM public.users u
            LEFT JOIN LATERAL (
                SELECT c.company_id FROM public.user_companies c
                WHERE c.user_id = u.id AND c.status = 'active'
                AND (wanted_company IS NULL OR c.company_id = wanted_company)
                ORDER BY c.is_primary DESC, c.joined_at, c.id LIMIT 1
            ) m ON true
            WHERE lower(u.email) = lower(wanted_email)
        $$
    """,
    "companies_of_user(bigint)": """
        CREATE FUNCTION companies_of_user(wanted_user bigint)
        RETURNS TABLE (company_id bigint, name text, company_status text, role text, status text, is_primary boolean,
                       joined_at timestamptz)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT m.company_id, c.name, c.status, m.role, m.status, m.is_primary, m.joined_at
            FROM public.user_companies m JOIN public.companies c ON c.id = m.company_id
            WHERE m.user_id = wanted_user
            ORDER BY m.is_primary DESC, m.joined_at, m.company_id
        $$
    """,
    # All companies for an operator of the platform; for anybody else, whatever is asked, those that they work for.
    "list_companies(bigint, boolean, text, bigint, integer)": """
        CREATE FUNCTION list_companies(asker bigint, everything boolean, wanted_status text, after bigint, most integer)
        RETURNS TABLE (id bigint, name text, email text, status text, role text, member_status text,
                       is_primary boolean, joined_at timestamptz, created_at timestamptz)
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            IF everything AND EXISTS (
                SELECT FROM public.users u WHERE u.id = asker AND u.role = 'super_admin' AND u.is_active
            ) THEN
                RETURN QUERY SELECT c.id, c.name::text, c.email::text, c.status::text, m.role::text, m.status::text,
                    coalesce(m.is_primary, false), m.joined_at, c.created_at
                FROM public.companies c
                LEFT JOIN public.user_companies m ON m.company_id = c.id AND m.user_id = asker
                WHERE c.id > after AND (wanted_status IS NULL OR c.status = wanted_status)
                ORDER BY c.id LIMIT most;
            ELSE
                RETURN QUERY SELECT c.id, c.name::text, c.email::text, c.status::text, m.role::text, m.status::text,
                    m.is_primary, m.joined_at, c.created_at
                FROM public.user_companies m JOIN public.companies c ON c.id = m.company_id
                WHERE m.user_id = asker AND c.id > after AND (wanted_status IS NULL OR c.status = wanted_status)
                ORDER BY c.id LIMIT most;
            END IF;
        END $$
    """,
    "find_one_time_token(bytea)": """
        CREATE FUNCTION find_one_time_token(wanted_hash bytea)
        RETURNS TABLE (company_id bigint, token_id bigint)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT t.company_id, t.id FROM public.one_time_tokens t WHERE t.token_hash = wanted_hash
        $$
    """,
    "find_api_key(text)": """
        CREATE FUNCTION find_api_key(wanted_prefix text)
        RETURNS TABLE (company_id bigint, api_key_id bigint, user_id bigint, secret_hash bytea)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT k.company_id, k.id, k.user_id, k.secret_hash FROM public.api_keys k WHERE k.prefix = wanted_prefix
        $$
    """,
    "end_sessions(bigint, uuid, text)": """
        CREATE FUNCTION end_sessions(wanted_user bigint, kept_sid uuid, reason text)
        RETURNS TABLE (company_id bigint, session_id bigint, sid uuid)
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            UPDATE public.sessions s SET ended_at = clock_timestamp(), end_reason = reason, version = s.version + 1,
                updated_at = now()
            WHERE s.user_id = wanted_user AND s.ended_at IS NULL AND s.expires_at > now() - interval '10 minutes'
            AND s.sid IS DISTINCT FROM kept_sid
            RETURNING s.company_id, s.id, s.sid
        $$
    """,
    "claim_mails(integer, integer)": """
        CREATE FUNCTION claim_mails(most integer, lease_seconds integer)
        RETURNS TABLE (id bigint, recipient text, subject text, body text, attempts integer)
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            UPDATE public.mails m SET attempts = m.attempts + 1, version = m.version + 1, updated_at = now(),
                next_attempt_at = now() + make_interval(secs => lease_seconds)
            WHERE m.id IN (
                SELECT d.id FROM public.mails d WHERE d.status = 'pending' AND d.next_attempt_at <= now()
                ORDER BY d.next_attempt_at LIMIT most FOR UPDATE SKIP LOCKED
            )
            RETURNING m.id, m.recipient, m.subject, m.body, m.attempts
        $$
    """,
    "settle_mail(bigint, integer, text, text, integer)": """
        CREATE FUNCTION settle_mail(mail_id bigint, attempt integer, new_status text, error text, retry_seconds integer)
        RETURNS boolean
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            UPDATE public.mails m SET status = new_status, last_error = left(error, 500), version = m.version + 1,
                updated_at = now(),
                body = CASE WHEN new_status = 'pending' THEN m.body END,
                sent_at = CASE WHEN new_status = 'sent' THEN now() END,
                next_attempt_at = now() + make_interval(secs => retry_seconds)
            WHERE m.id = mail_id AND m.attempts = attempt AND m.status = 'pending'
            RETURNING true
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
            DELETE FROM public.knocks k WHERE k.id IN (SELECT o.id FROM public.knocks o
                WHERE o.created_at < now() - interval '1 day' LIMIT most);
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.one_time_tokens t WHERE t.id IN (SELECT o.id FROM public.one_time_tokens o
                WHERE o.expires_at < now() - interval '30 days' LIMIT most);
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.mails m WHERE m.id IN (SELECT o.id FROM public.mails o
                WHERE o.status <> 'pending' AND o.updated_at < now() - interval '30 days' LIMIT most);
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.sessions s WHERE s.id IN (SELECT o.id FROM public.sessions o
                WHERE o.expires_at < now() - interval '90 days' LIMIT most);
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            DELETE FROM public.security_events e WHERE e.id IN (SELECT o.id FROM public.security_events o
                WHERE o.created_at < now() - interval '90 days' LIMIT most);
            GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
            RETURN total;
        END $$
    """,
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(COLUMNS)
    touched = "version, updated_at"
    protect(
        "invitations",
        service=SERVICE,
        grant=f"SELECT, INSERT, UPDATE ({touched}, status, accepted_by, expires_at, sent_at, decided_at)",
    )
    protect("one_time_tokens", service=SERVICE, grant=f"SELECT, INSERT, UPDATE ({touched}, used_at)")
    protect("api_keys", service=SERVICE, grant=f"SELECT, INSERT, UPDATE ({touched}, last_used_at, revoked_at)")
    # Whoever serves requests writes letters and never reads one: they hold secrets of others.
    protect("mails", service=SERVICE, grant="INSERT")
    protect("security_events", service=SERVICE, grant="SELECT, INSERT")
    # No tenants' tables: throttles and knocks are of addresses that may be nobody's, revocations are read by the gateway
    # for all.
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON login_throttles TO identity_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON knocks TO identity_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON revocations TO identity_app")
    op.execute(
        f"""
        GRANT UPDATE ({touched}, name, logo, phone, address, city, state, country, zip_code, website, industry,
                      company_size, status, default_currency, time_zone, region, settings)
        ON companies TO identity_app
        """
    )
    op.execute(
        """
        GRANT INSERT (is_verified), UPDATE (first_name, last_name, phone, avatar, password_hash, is_verified, token_epoch)
        ON users TO identity_app
        """
    )
    op.execute(
        f"""
        GRANT UPDATE ({touched}, role, is_primary, permissions, status, transfer_plan), DELETE
        ON user_companies TO identity_app
        """
    )
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO identity_app")


def downgrade() -> None:
    """Data that only the new version knows would be lost; go back by restoring a backup."""
