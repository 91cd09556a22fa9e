"""Snapshots of what is open, day by day."""

from alembic import op

from chassis.db.migrations import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE snapshot_days (
        company_id BIGINT NOT NULL,
        day DATE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_snapshot_days PRIMARY KEY (company_id, day)
    );

    CREATE TABLE pipeline_snapshots (
        company_id BIGINT NOT NULL,
        day DATE NOT NULL,
        pipeline_id BIGINT NOT NULL,
        stage_id BIGINT NOT NULL,
        stage_name VARCHAR(100) NOT NULL,
        order_index INTEGER NOT NULL,
        assigned_to BIGINT,
        created_by BIGINT,
        currency VARCHAR(10) NOT NULL,
        expected_month DATE,
        deals INTEGER NOT NULL,
        value NUMERIC(30, 2) NOT NULL,
        weighted NUMERIC(32, 2) NOT NULL,
        CONSTRAINT fk_pipeline_snapshots_company_id_day FOREIGN KEY(company_id, day) REFERENCES snapshot_days (company_id, day) ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX uq_pipeline_snapshots ON pipeline_snapshots (company_id, day, pipeline_id, stage_id, assigned_to, created_by, currency, expected_month) NULLS NOT DISTINCT;
"""

# For the job, which looks at all companies: where their days begin, and the newest day that each has.
NEWEST = """
    CREATE FUNCTION newest_snapshots(after bigint, most integer)
    RETURNS TABLE (company_id bigint, time_zone varchar, newest date)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
        SELECT c.company_id, c.time_zone,
            (SELECT max(d.day) FROM public.snapshot_days d WHERE d.company_id = c.company_id)
        FROM public.company_refs c WHERE c.company_id > after ORDER BY c.company_id LIMIT most
    $$;
"""

# A pipeline is of one company. Who does not know that takes the deals of a pipeline for few, and plans for few.
STATISTICS = """
    CREATE STATISTICS st_deals_pipeline_id (dependencies) ON company_id, pipeline_id FROM deals;
    CREATE STATISTICS st_stage_history_pipeline_id (dependencies) ON company_id, pipeline_id FROM stage_history;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(STATISTICS)
    protect("snapshot_days", service="pipeline", grant="SELECT, INSERT")
    protect("pipeline_snapshots", service="pipeline", grant="SELECT, INSERT")
    op.execute(NEWEST)
    op.execute("REVOKE ALL ON FUNCTION newest_snapshots(bigint, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION newest_snapshots(bigint, integer) TO pipeline_app")


def downgrade() -> None:
    op.execute("DROP STATISTICS st_deals_pipeline_id, st_stage_history_pipeline_id")
    op.execute("DROP FUNCTION newest_snapshots(bigint, integer)")
    op.execute("DROP TABLE pipeline_snapshots, snapshot_days")
