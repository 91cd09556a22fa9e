"""Tasks, the series that they recur in, activities, and the exports of both."""

from alembic import op

from chassis.db.migrations import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE task_series (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        rrule VARCHAR(255) NOT NULL,
        basis VARCHAR(20) DEFAULT 'schedule' NOT NULL,
        missing_day VARCHAR(10) DEFAULT 'last' NOT NULL,
        time_zone VARCHAR(64) NOT NULL,
        anchor VARCHAR(30) NOT NULL,
        all_day BOOLEAN NOT NULL,
        template JSONB NOT NULL,
        customer_id BIGINT,
        lead_id BIGINT,
        deal_id BIGINT,
        assigned_to BIGINT NOT NULL,
        created_by BIGINT,
        made INTEGER DEFAULT 1 NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_task_series PRIMARY KEY (company_id, id),
        CONSTRAINT ck_task_series_basis CHECK (basis IN ('schedule', 'completion')),
        CONSTRAINT ck_task_series_missing_day CHECK (missing_day IN ('last', 'skip')),
        CONSTRAINT ck_task_series_template CHECK (jsonb_typeof(template) = 'object'),
        CONSTRAINT fk_task_series_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customer_refs (company_id, customer_id) ON DELETE SET NULL (customer_id),
        CONSTRAINT fk_task_series_company_id_lead_id FOREIGN KEY(company_id, lead_id) REFERENCES lead_refs (company_id, lead_id) ON DELETE SET NULL (lead_id),
        CONSTRAINT fk_task_series_company_id_deal_id FOREIGN KEY(company_id, deal_id) REFERENCES deal_refs (company_id, deal_id) ON DELETE SET NULL (deal_id),
        CONSTRAINT fk_task_series_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id),
        CONSTRAINT fk_task_series_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_task_series_assigned_to ON task_series (company_id, assigned_to, created_at, id);
    CREATE INDEX ix_task_series_company_id_created_at ON task_series (company_id, created_at, id);
    CREATE INDEX ix_task_series_created_by ON task_series (company_id, created_by) WHERE created_by IS NOT NULL;
    CREATE INDEX ix_task_series_customer_id ON task_series (company_id, customer_id) WHERE customer_id IS NOT NULL;
    CREATE INDEX ix_task_series_deal_id ON task_series (company_id, deal_id) WHERE deal_id IS NOT NULL;
    CREATE INDEX ix_task_series_lead_id ON task_series (company_id, lead_id) WHERE lead_id IS NOT NULL;

    CREATE TABLE activities (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        activity_type VARCHAR(50) NOT NULL,
        title VARCHAR(255) NOT NULL,
        description TEXT,
        outcome TEXT,
        duration_minutes INTEGER,
        activity_date TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        follow_up_date DATE,
        follow_up_made BOOLEAN DEFAULT false NOT NULL,
        follow_up_task_id BIGINT,
        customer_id BIGINT,
        lead_id BIGINT,
        deal_id BIGINT,
        task_id BIGINT,
        user_id BIGINT,
        change JSONB,
        source_event_id UUID,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        archived_with_customer BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_activities PRIMARY KEY (company_id, id),
        CONSTRAINT ck_activities_activity_type CHECK (activity_type IN ('call', 'email', 'meeting', 'note', 'status_change')),
        CONSTRAINT ck_activities_duration_minutes CHECK (duration_minutes IS NULL OR duration_minutes > 0),
        CONSTRAINT ck_activities_user_id CHECK (user_id IS NOT NULL OR activity_type = 'status_change'),
        CONSTRAINT ck_activities_change CHECK ((change IS NULL) = (activity_type <> 'status_change')),
        CONSTRAINT ck_activities_subject CHECK (num_nonnulls(customer_id, lead_id, deal_id) > 0),
        CONSTRAINT fk_activities_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customer_refs (company_id, customer_id) ON DELETE CASCADE,
        CONSTRAINT fk_activities_company_id_lead_id FOREIGN KEY(company_id, lead_id) REFERENCES lead_refs (company_id, lead_id) ON DELETE SET NULL (lead_id),
        CONSTRAINT fk_activities_company_id_deal_id FOREIGN KEY(company_id, deal_id) REFERENCES deal_refs (company_id, deal_id) ON DELETE SET NULL (deal_id),
        CONSTRAINT fk_activities_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_activities_company_id_source_event_id UNIQUE (company_id, source_event_id)
    );
    CREATE INDEX ix_activities_activity_type_activity_date ON activities (company_id, activity_type, activity_date, id);
    CREATE INDEX ix_activities_archived ON activities (company_id, activity_date, id) WHERE archived_at IS NOT NULL;
    CREATE INDEX ix_activities_company_id_activity_date ON activities (company_id, activity_date, id);
    CREATE INDEX ix_activities_company_id_created_at ON activities (company_id, created_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_activities_company_id_updated_at ON activities (company_id, updated_at, id);
    CREATE INDEX ix_activities_customer_id_activity_date ON activities (company_id, customer_id, activity_date, id) WHERE customer_id IS NOT NULL;
    CREATE INDEX ix_activities_deal_id_activity_date ON activities (company_id, deal_id, activity_date, id) WHERE deal_id IS NOT NULL;
    CREATE INDEX ix_activities_follow_up_task_id ON activities (company_id, follow_up_task_id) WHERE follow_up_task_id IS NOT NULL;
    CREATE INDEX ix_activities_lead_id_activity_date ON activities (company_id, lead_id, activity_date, id) WHERE lead_id IS NOT NULL;
    CREATE INDEX ix_activities_task_id ON activities (company_id, task_id) WHERE task_id IS NOT NULL;
    CREATE INDEX ix_activities_user_id_activity_date ON activities (company_id, user_id, activity_date, id);

    CREATE TABLE tasks (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        title VARCHAR(255) NOT NULL,
        description TEXT,
        task_type VARCHAR(50) DEFAULT 'general' NOT NULL,
        priority VARCHAR(20) DEFAULT 'medium' NOT NULL,
        priority_rank SMALLINT GENERATED ALWAYS AS (CASE priority WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 WHEN 'urgent' THEN 4 END) STORED NOT NULL,
        status VARCHAR(50) DEFAULT 'pending' NOT NULL,
        due_date TIMESTAMP WITH TIME ZONE,
        due_on DATE,
        due_time_zone VARCHAR(64),
        completed_at TIMESTAMP WITH TIME ZONE,
        remind_at TIMESTAMP WITH TIME ZONE,
        customer_id BIGINT,
        lead_id BIGINT,
        deal_id BIGINT,
        assigned_to BIGINT NOT NULL,
        created_by BIGINT,
        series_id BIGINT,
        occurrence VARCHAR(30),
        follow_up_of BIGINT,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        archived_with_customer BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_tasks PRIMARY KEY (company_id, id),
        CONSTRAINT ck_tasks_task_type CHECK (task_type IN ('call', 'email', 'meeting', 'general')),
        CONSTRAINT ck_tasks_priority CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
        CONSTRAINT ck_tasks_status CHECK (status IN ('pending', 'in_progress', 'completed', 'cancelled')),
        CONSTRAINT ck_tasks_completed_at CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
        CONSTRAINT ck_tasks_due_time_zone CHECK ((due_date IS NULL) = (due_time_zone IS NULL)),
        CONSTRAINT ck_tasks_due_on CHECK (due_on IS NULL OR due_date IS NOT NULL),
        CONSTRAINT fk_tasks_company_id_customer_id FOREIGN KEY(company_id, customer_id) REFERENCES customer_refs (company_id, customer_id) ON DELETE CASCADE,
        CONSTRAINT fk_tasks_company_id_lead_id FOREIGN KEY(company_id, lead_id) REFERENCES lead_refs (company_id, lead_id) ON DELETE SET NULL (lead_id),
        CONSTRAINT fk_tasks_company_id_deal_id FOREIGN KEY(company_id, deal_id) REFERENCES deal_refs (company_id, deal_id) ON DELETE SET NULL (deal_id),
        CONSTRAINT fk_tasks_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id),
        CONSTRAINT fk_tasks_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT fk_tasks_company_id_series_id FOREIGN KEY(company_id, series_id) REFERENCES task_series (company_id, id) ON DELETE SET NULL (series_id),
        CONSTRAINT fk_tasks_company_id_follow_up_of FOREIGN KEY(company_id, follow_up_of) REFERENCES activities (company_id, id) ON DELETE SET NULL (follow_up_of),
        CONSTRAINT uq_tasks_company_id_series_id_occurrence UNIQUE (company_id, series_id, occurrence),
        CONSTRAINT uq_tasks_company_id_follow_up_of UNIQUE (company_id, follow_up_of)
    );
    CREATE INDEX ix_tasks_done ON tasks (company_id, assigned_to, completed_at) WHERE completed_at IS NOT NULL;
    CREATE INDEX ix_tasks_archived ON tasks (company_id, created_at, id) WHERE archived_at IS NOT NULL;
    CREATE INDEX ix_tasks_assigned_to_created_at ON tasks (company_id, assigned_to, created_at, id);
    CREATE INDEX ix_tasks_assigned_to_status ON tasks (company_id, assigned_to, status, created_at, id);
    CREATE INDEX ix_tasks_company_id_created_at ON tasks (company_id, created_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_tasks_company_id_due_date ON tasks (company_id, due_date, id);
    CREATE INDEX ix_tasks_company_id_updated_at ON tasks (company_id, updated_at, id);
    CREATE INDEX ix_tasks_completed_at ON tasks (company_id, completed_at, id) WHERE completed_at IS NOT NULL;
    CREATE INDEX ix_tasks_created_by_created_at ON tasks (company_id, created_by, created_at, id);
    CREATE INDEX ix_tasks_created_by_status ON tasks (company_id, created_by, status, created_at, id);
    CREATE INDEX ix_tasks_customer_id_completed_at ON tasks (company_id, customer_id, completed_at, id) WHERE customer_id IS NOT NULL AND completed_at IS NOT NULL;
    CREATE INDEX ix_tasks_customer_id_created_at ON tasks (company_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
    CREATE INDEX ix_tasks_deal_id_completed_at ON tasks (company_id, deal_id, completed_at, id) WHERE deal_id IS NOT NULL AND completed_at IS NOT NULL;
    CREATE INDEX ix_tasks_deal_id_created_at ON tasks (company_id, deal_id, created_at, id) WHERE deal_id IS NOT NULL;
    CREATE INDEX ix_tasks_lead_id_completed_at ON tasks (company_id, lead_id, completed_at, id) WHERE lead_id IS NOT NULL AND completed_at IS NOT NULL;
    CREATE INDEX ix_tasks_lead_id_created_at ON tasks (company_id, lead_id, created_at, id) WHERE lead_id IS NOT NULL;
    CREATE INDEX ix_tasks_open ON tasks (company_id, assigned_to, due_date, id) INCLUDE (due_on) WHERE status IN ('pending', 'in_progress') AND archived_at IS NULL;
    CREATE INDEX ix_tasks_priority_rank_created_at ON tasks (company_id, priority_rank, created_at, id);
    CREATE INDEX ix_tasks_status_created_at ON tasks (company_id, status, created_at, id);

    CREATE TABLE task_exports (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        format VARCHAR(10) NOT NULL,
        query TEXT NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_task_exports PRIMARY KEY (company_id, id),
        CONSTRAINT fk_task_exports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_task_exports_company_id_created_at ON task_exports (company_id, created_at, id);
    CREATE INDEX ix_task_exports_created_by ON task_exports (company_id, created_by);

    CREATE TABLE activity_exports (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        format VARCHAR(10) NOT NULL,
        query TEXT NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_activity_exports PRIMARY KEY (company_id, id),
        CONSTRAINT fk_activity_exports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_activity_exports_company_id_created_at ON activity_exports (company_id, created_at, id);
    CREATE INDEX ix_activity_exports_created_by ON activity_exports (company_id, created_by);

    ALTER TABLE activities
        ADD CONSTRAINT fk_activities_company_id_task_id FOREIGN KEY (company_id, task_id) REFERENCES tasks (company_id, id) ON DELETE SET NULL (task_id),
        ADD CONSTRAINT fk_activities_company_id_follow_up_task_id FOREIGN KEY (company_id, follow_up_task_id) REFERENCES tasks (company_id, id) ON DELETE SET NULL (follow_up_task_id);
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("task_series", service="tasks", grant="SELECT, INSERT, UPDATE")
    protect("tasks", service="tasks")
    protect("activities", service="tasks")
    protect("task_exports", service="tasks", grant="SELECT, INSERT")
    protect("activity_exports", service="tasks", grant="SELECT, INSERT")


def downgrade() -> None:
    """The version before works with these too."""
