"""What people are told: reminders, notifications, letters, digests, calendars, and how they want it."""

from alembic import op

from chassis.db.migrations import protect, protect_mails

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE reminders (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        task_id BIGINT NOT NULL,
        user_id BIGINT,
        kind VARCHAR(20) NOT NULL,
        minutes_before INTEGER,
        days_before INTEGER,
        at_time TIME WITHOUT TIME ZONE,
        fire_at TIMESTAMP WITH TIME ZONE,
        state VARCHAR(20) NOT NULL,
        fired_for TIMESTAMP WITH TIME ZONE,
        channel VARCHAR(20) DEFAULT 'settings' NOT NULL,
        attempts SMALLINT DEFAULT 0 NOT NULL,
        next_attempt_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_reminders PRIMARY KEY (company_id, id),
        CONSTRAINT ck_reminders_kind CHECK (kind IN ('remind_at', 'default', 'further', 'overdue')),
        CONSTRAINT ck_reminders_state CHECK (state IN ('waiting', 'fired', 'skipped')),
        CONSTRAINT ck_reminders_channel CHECK (channel IN ('settings', 'app', 'email')),
        CONSTRAINT ck_reminders_before CHECK (minutes_before >= 0 AND days_before >= 0),
        CONSTRAINT ck_reminders_user_id CHECK ((kind = 'further') = (user_id IS NOT NULL)),
        CONSTRAINT ck_reminders_fire_at CHECK (state <> 'waiting' OR fire_at IS NOT NULL),
        CONSTRAINT fk_reminders_company_id_task_id FOREIGN KEY(company_id, task_id) REFERENCES tasks (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_reminders_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE
    );
    CREATE INDEX ix_reminders_task_id ON reminders (company_id, task_id, user_id);
    CREATE INDEX ix_reminders_user_id ON reminders (company_id, user_id) WHERE user_id IS NOT NULL;
    CREATE INDEX ix_reminders_waiting ON reminders (fire_at) WHERE state = 'waiting';
    CREATE UNIQUE INDEX uq_reminders_single ON reminders (company_id, task_id, kind) WHERE kind IN ('remind_at', 'overdue');

    CREATE TABLE notifications (
        company_id BIGINT NOT NULL,
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        user_id BIGINT NOT NULL,
        kind VARCHAR(30) NOT NULL,
        subject_table VARCHAR(50) NOT NULL,
        subject_id BIGINT NOT NULL,
        title VARCHAR(255) NOT NULL,
        details JSONB DEFAULT '{}'::jsonb NOT NULL,
        event_id UUID NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        read_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_notifications PRIMARY KEY (company_id, id),
        CONSTRAINT ck_notifications_kind CHECK (kind IN ('task_assigned', 'reminder', 'overdue', 'lead_assigned', 'deal_assigned', 'customer_assigned', 'transfer', 'series_ended')),
        CONSTRAINT fk_notifications_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_notifications_company_id_user_id_kind_event_id UNIQUE (company_id, user_id, kind, event_id)
    );
    CREATE INDEX ix_notifications_created_at ON notifications (created_at);
    CREATE INDEX ix_notifications_unread ON notifications (company_id, user_id, id) WHERE read_at IS NULL;
    CREATE INDEX ix_notifications_user_id ON notifications (company_id, user_id, created_at, id);

    CREATE TABLE user_settings (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        time_zone VARCHAR(64),
        day_starts_at TIME WITHOUT TIME ZONE DEFAULT '09:00' NOT NULL,
        default_reminders JSONB DEFAULT '[]'::jsonb NOT NULL,
        email_reminders BOOLEAN DEFAULT false NOT NULL,
        digest BOOLEAN DEFAULT false NOT NULL,
        digest_at TIME WITHOUT TIME ZONE DEFAULT '08:00' NOT NULL,
        digest_days JSONB DEFAULT '[1, 2, 3, 4, 5]'::jsonb NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_user_settings PRIMARY KEY (company_id, id),
        CONSTRAINT ck_user_settings_default_reminders CHECK (jsonb_typeof(default_reminders) = 'array'),
        CONSTRAINT ck_user_settings_digest_days CHECK (jsonb_typeof(digest_days) = 'array'),
        CONSTRAINT fk_user_settings_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_user_settings_company_id_user_id UNIQUE (company_id, user_id)
    );
    CREATE INDEX ix_user_settings_digest ON user_settings (digest_at, time_zone) WHERE digest;

    CREATE TABLE calendar_feeds (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        token_hash BYTEA NOT NULL,
        "as" VARCHAR(10) DEFAULT 'events' NOT NULL,
        include JSONB DEFAULT '{}'::jsonb NOT NULL,
        counted_from TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        asked INTEGER DEFAULT 0 NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_calendar_feeds PRIMARY KEY (company_id, id),
        CONSTRAINT ck_calendar_feeds_as CHECK ("as" IN ('events', 'todos')),
        CONSTRAINT ck_calendar_feeds_include CHECK (jsonb_typeof(include) = 'object'),
        CONSTRAINT fk_calendar_feeds_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_calendar_feeds_company_id_user_id UNIQUE (company_id, user_id),
        CONSTRAINT uq_calendar_feeds_token_hash UNIQUE (token_hash)
    );

    CREATE TABLE digests (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        local_date DATE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_digests PRIMARY KEY (company_id, id),
        CONSTRAINT fk_digests_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_digests_company_id_user_id_local_date UNIQUE (company_id, user_id, local_date)
    );
    CREATE INDEX ix_digests_due_at ON digests (due_at);

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
        user_id BIGINT NOT NULL,
        reminder_id BIGINT,
        fired_for TIMESTAMP WITH TIME ZONE,
        digest_id BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_mails PRIMARY KEY (company_id, id),
        CONSTRAINT ck_mails_status CHECK (status IN ('pending', 'sent', 'failed', 'withdrawn')),
        CONSTRAINT ck_mails_body CHECK ((status = 'pending') = (body IS NOT NULL)),
        CONSTRAINT ck_mails_about CHECK ((reminder_id IS NULL) <> (digest_id IS NULL)),
        CONSTRAINT ck_mails_fired_for CHECK ((reminder_id IS NULL) = (fired_for IS NULL)),
        CONSTRAINT fk_mails_company_id_reminder_id FOREIGN KEY(company_id, reminder_id) REFERENCES reminders (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_mails_company_id_digest_id FOREIGN KEY(company_id, digest_id) REFERENCES digests (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_mails_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_mails_company_id_reminder_id_fired_for UNIQUE (company_id, reminder_id, fired_for),
        CONSTRAINT uq_mails_company_id_digest_id UNIQUE (company_id, digest_id)
    );
    CREATE INDEX ix_mails_due ON mails (next_attempt_at) WHERE status = 'pending';
    CREATE INDEX ix_mails_updated_at ON mails (updated_at) WHERE status <> 'pending';
    CREATE INDEX ix_mails_user_id ON mails (company_id, user_id);
"""

# The worker has no tenant when it looks for work. It is told where there is some, and goes on as that tenant.
DUE = """
    CREATE FUNCTION due_reminders(most integer) RETURNS TABLE (company_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT r.company_id, r.id FROM public.reminders r
        WHERE r.state = 'waiting' AND r.fire_at <= now() AND coalesce(r.next_attempt_at, r.fire_at) <= now()
        ORDER BY r.fire_at LIMIT most
    $$
"""
OLD = """
    CREATE FUNCTION purge_old_notifications(most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
        WITH gone AS (
            DELETE FROM public.notifications n USING (
                SELECT o.company_id, o.id FROM public.notifications o
                WHERE o.created_at < now() - interval '90 days' ORDER BY o.created_at LIMIT most
            ) old WHERE n.company_id = old.company_id AND n.id = old.id RETURNING 1
        )
        SELECT count(*) FROM gone
    $$
"""
# The zones and times of day at which somebody wants a digest, and who that is for one of them: what the wall clock says
# is reckoned by the service, with its own data of time zones.
DIGEST_TIMES = """
    CREATE FUNCTION digest_times() RETURNS TABLE (time_zone text, digest_at time)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT DISTINCT coalesce(s.time_zone, c.time_zone, 'UTC'), s.digest_at
        FROM public.user_settings s LEFT JOIN public.company_refs c ON c.company_id = s.company_id WHERE s.digest
    $$
"""
DUE_DIGESTS = """
    CREATE FUNCTION due_digests(of_zone text, of_time time, of_date date, most integer)
    RETURNS TABLE (company_id bigint, user_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT s.company_id, s.user_id FROM public.user_settings s
        JOIN public.user_refs u ON u.company_id = s.company_id AND u.user_id = s.user_id AND u.is_active
        LEFT JOIN public.company_refs c ON c.company_id = s.company_id
        WHERE s.digest AND s.digest_at = of_time AND coalesce(s.time_zone, c.time_zone, 'UTC') = of_zone
            AND coalesce(c.status, 'active') = 'active'
            AND s.digest_days @> to_jsonb(extract(isodow FROM of_date)::integer)
            AND NOT EXISTS (
                SELECT FROM public.digests d
                WHERE d.company_id = s.company_id AND d.user_id = s.user_id AND d.local_date = of_date
            )
        LIMIT most
    $$
"""
OLD_DIGESTS = """
    CREATE FUNCTION purge_old_digests(most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
        WITH gone AS (
            DELETE FROM public.digests d USING (
                SELECT o.company_id, o.id FROM public.digests o
                WHERE o.due_at < now() - interval '30 days' ORDER BY o.due_at LIMIT most
            ) old WHERE d.company_id = old.company_id AND d.id = old.id RETURNING 1
        )
        SELECT count(*) FROM gone
    $$
"""
# The feed of a token, counted: how often it was asked for in this hour, and how many seconds are left of that.
FEED = """
    CREATE FUNCTION ask_for_feed(of_hash bytea)
    RETURNS TABLE (company_id bigint, user_id bigint, "as" text, include jsonb, asked integer, seconds_left integer)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        UPDATE public.calendar_feeds f SET
            asked = CASE WHEN f.counted_from > now() - interval '1 hour' THEN f.asked + 1 ELSE 1 END,
            counted_from = CASE WHEN f.counted_from > now() - interval '1 hour' THEN f.counted_from ELSE now() END
        FROM public.user_refs u LEFT JOIN public.company_refs c ON c.company_id = u.company_id
        WHERE f.token_hash = of_hash AND u.company_id = f.company_id AND u.user_id = f.user_id AND u.is_active
            AND coalesce(c.status, 'active') = 'active'
        RETURNING f.company_id, f.user_id, f."as", f.include, f.asked,
            ceil(extract(epoch FROM f.counted_from + interval '1 hour' - now()))::integer
    $$
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("reminders", service="tasks")
    protect("notifications", service="tasks", grant="SELECT, INSERT, UPDATE (read_at)")
    protect("user_settings", service="tasks", grant="SELECT, INSERT, UPDATE")
    protect("calendar_feeds", service="tasks")
    protect("digests", service="tasks", grant="SELECT, INSERT")
    protect_mails(service="tasks", readable=("user_id", "reminder_id", "fired_for", "digest_id"))
    functions = {
        "due_reminders(integer)": DUE,
        "purge_old_notifications(integer)": OLD,
        "digest_times()": DIGEST_TIMES,
        "due_digests(text, time, date, integer)": DUE_DIGESTS,
        "purge_old_digests(integer)": OLD_DIGESTS,
        "ask_for_feed(bytea)": FEED,
    }
    for function, sql in functions.items():
        op.execute(sql)
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO tasks_app")


def downgrade() -> None:
    """The version before works with these too."""
