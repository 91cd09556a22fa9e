"""Saved views, and how members like what they look at."""

from alembic import op

from chassis.db.migrations import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERVICE = "identity"

TABLES = """
    CREATE TABLE saved_views (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT,
        screen VARCHAR(50) NOT NULL,
        name VARCHAR(100) NOT NULL,
        query TEXT DEFAULT '' NOT NULL,
        columns JSONB,
        shared BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_saved_views PRIMARY KEY (company_id, id),
        CONSTRAINT fk_saved_views_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_companies (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT ck_saved_views_owner CHECK (shared OR user_id IS NOT NULL),
        CONSTRAINT ck_saved_views_columns CHECK (jsonb_typeof(columns) = 'array')
    );

    CREATE INDEX ix_saved_views_company_id_created_at ON saved_views (company_id, created_at, id);
    CREATE INDEX ix_saved_views_company_id_name ON saved_views (company_id, name, id);
    CREATE INDEX ix_saved_views_company_id_user_id ON saved_views (company_id, user_id);
    CREATE UNIQUE INDEX uq_saved_views_own ON saved_views (company_id, user_id, screen, lower(name)) WHERE NOT shared;
    CREATE UNIQUE INDEX uq_saved_views_shared ON saved_views (company_id, screen, lower(name)) WHERE shared;

    CREATE TABLE user_preferences (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        settings JSONB DEFAULT '{}' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_user_preferences PRIMARY KEY (company_id, id),
        CONSTRAINT fk_user_preferences_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_companies (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_user_preferences_company_id_user_id UNIQUE (company_id, user_id),
        CONSTRAINT ck_user_preferences_settings CHECK (jsonb_typeof(settings) = 'object')
    );
"""


def upgrade() -> None:
    op.execute(TABLES)
    touched = "version, updated_at"
    columns = f"{touched}, user_id, screen, name, query, columns, shared"
    protect("saved_views", service=SERVICE, grant=f"SELECT, INSERT, DELETE, UPDATE ({columns})")
    protect("user_preferences", service=SERVICE, grant=f"SELECT, INSERT, DELETE, UPDATE ({touched}, settings)")


def downgrade() -> None:
    """What the tables hold would be lost; go back by restoring a backup."""
