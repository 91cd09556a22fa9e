"""Sessions with their refresh tokens, API keys, the keys that sign tokens, and what keeps people out."""

from alembic import op

from chassis.db.migrations import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERVICE = "identity"

TABLES = """
    CREATE TABLE sessions (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        sid UUID NOT NULL,
        user_id BIGINT NOT NULL,
        ip_address VARCHAR(64),
        user_agent VARCHAR(500),
        last_used_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        end_reason VARCHAR(50),
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_sessions PRIMARY KEY (company_id, id),
        CONSTRAINT fk_sessions_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_companies (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT ck_sessions_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
        CONSTRAINT uq_sessions_sid UNIQUE (sid)
    );

    CREATE INDEX ix_sessions_company_id_user_id ON sessions (company_id, user_id);

    CREATE TABLE refresh_tokens (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        session_id BIGINT NOT NULL,
        parent_id BIGINT,
        token_hash BYTEA NOT NULL,
        nonce BYTEA NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_refresh_tokens PRIMARY KEY (company_id, id),
        CONSTRAINT fk_refresh_tokens_company_id_session_id FOREIGN KEY(company_id, session_id) REFERENCES sessions (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_refresh_tokens_company_id_parent_id FOREIGN KEY(company_id, parent_id) REFERENCES refresh_tokens (company_id, id) ON DELETE CASCADE,
        CONSTRAINT uq_refresh_tokens_company_id_parent_id UNIQUE (company_id, parent_id),
        CONSTRAINT uq_refresh_tokens_token_hash UNIQUE (token_hash)
    );

    CREATE INDEX ix_refresh_tokens_company_id_session_id ON refresh_tokens (company_id, session_id);

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
        CONSTRAINT pk_api_keys PRIMARY KEY (company_id, id),
        CONSTRAINT fk_api_keys_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_companies (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT ck_api_keys_scopes CHECK (jsonb_typeof(scopes) = 'array'),
        CONSTRAINT uq_api_keys_prefix UNIQUE (prefix),
        CONSTRAINT uq_api_keys_sid UNIQUE (sid)
    );

    CREATE INDEX ix_api_keys_company_id_created_at ON api_keys (company_id, created_at, id);
    CREATE INDEX ix_api_keys_company_id_user_id ON api_keys (company_id, user_id);

    CREATE TABLE signing_keys (
        kid VARCHAR(64) NOT NULL,
        status VARCHAR(20) NOT NULL,
        public_pem TEXT NOT NULL,
        private_sealed BYTEA NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        retired_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_signing_keys PRIMARY KEY (kid),
        CONSTRAINT ck_signing_keys_status CHECK (status IN ('active', 'next', 'retired')),
        CONSTRAINT ck_signing_keys_retired CHECK ((status = 'retired') = (retired_at IS NOT NULL)),
        CONSTRAINT ck_signing_keys_kid CHECK (kid ~ '^[A-Za-z0-9_-]{1,64}$')
    );

    CREATE UNIQUE INDEX uq_signing_keys_status ON signing_keys (status) WHERE status <> 'retired';

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

    CREATE TABLE login_throttles (
        key BYTEA NOT NULL,
        failures INTEGER NOT NULL,
        blocked_until TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_login_throttles PRIMARY KEY (key)
    );

    CREATE INDEX ix_login_throttles_updated_at ON login_throttles (updated_at);

    CREATE TABLE login_attempts (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind VARCHAR(20) NOT NULL,
        email VARCHAR(255) NOT NULL,
        request_id VARCHAR(64) NOT NULL,
        client_ip VARCHAR(64),
        user_agent VARCHAR(500),
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_login_attempts PRIMARY KEY (id),
        CONSTRAINT ck_login_attempts_kind CHECK (kind IN ('sign_in_failed', 'password_forgotten'))
    );
"""

# As in migration 0001: before a tenant is known, or about one user's sessions everywhere.
FUNCTIONS = {
    "find_refresh_token(bytea)": """
        CREATE FUNCTION find_refresh_token(wanted_hash bytea)
        RETURNS TABLE (company_id bigint, session_id bigint)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT t.company_id, t.session_id FROM public.refresh_tokens t WHERE t.token_hash = wanted_hash
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
}


def upgrade() -> None:
    op.execute(TABLES)
    touched = "version, updated_at"
    protect(
        "sessions", service=SERVICE, grant=f"SELECT, INSERT, UPDATE ({touched}, last_used_at, ended_at, end_reason)"
    )
    protect("refresh_tokens", service=SERVICE, grant=f"SELECT, INSERT, UPDATE ({touched}, used_at)")
    protect("api_keys", service=SERVICE, grant=f"SELECT, INSERT, UPDATE ({touched}, last_used_at, revoked_at)")
    # No tenants' tables and so without row-level security. One set of keys signs for all tenants, and it is read before
    # a tenant is known; the private part is sealed with a key that the database does not hold. Throttles and login attempts
    # are
    # of addresses that may be nobody's, revocations are read by the gateway for all.
    op.execute("GRANT SELECT, INSERT ON signing_keys TO identity_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON revocations TO identity_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON login_throttles TO identity_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON login_attempts TO identity_app")
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO identity_app")


def downgrade() -> None:
    """What the tables hold would be lost; go back by restoring a backup."""
