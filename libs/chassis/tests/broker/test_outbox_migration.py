"""What waits and what was published: always in step with the outbox, and taken over from one that marked its own rows."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from chassis.broker.republishing import published, republish
from chassis.testing.waiting import wait_until

# As a release had it that marked events in their own rows: two were published, two days apart, and two wait.
MARKED = """
from alembic import op
revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("DROP TABLE outbox_pending, outbox_published")
    op.execute("DROP FUNCTION outbox_recorded, outbox_removed CASCADE")
    op.execute("ALTER TABLE outbox ADD published_at timestamptz, ADD attempts integer NOT NULL DEFAULT 0,"
               " ADD next_attempt_at timestamptz NOT NULL DEFAULT now(), ADD last_error text")
    op.execute("CREATE INDEX ix_outbox_unpublished ON outbox (id) WHERE published_at IS NULL")
    op.execute("CREATE INDEX ix_outbox_published_at ON outbox (published_at) WHERE published_at IS NOT NULL")
    op.execute("INSERT INTO outbox (event_id, company_id, aggregate_type, aggregate_id, aggregate_version, type,"
               " routing_key, body, published_at, attempts, last_error)"
               " SELECT gen_random_uuid(), 1, 'customers', n, 1, 'x', '1.x', 'x',"
               " CASE WHEN n < 3 THEN now() - n * interval '2 days' END, CASE n WHEN 4 THEN 7 ELSE 1 END,"
               " CASE n WHEN 4 THEN 'refused' END FROM generate_series(1, 4) AS n")
"""
SEPARATED = """
from alembic import op
from chassis.db.outbox_migration import separate_publication
revision, down_revision = "0003", "0002"

def upgrade():
    separate_publication("{service}")
    op.execute("ALTER TABLE outbox DROP COLUMN published_at, DROP COLUMN attempts, DROP COLUMN next_attempt_at,"
               " DROP COLUMN last_error")
"""
# As the migration leaves it when it dies: the relay of the release before goes on, and has published one since.
INTERRUPTED = """
from alembic import op
from chassis.db.outbox_migration import _WAITING, create_publication
revision, down_revision = "0003", "0002"

def upgrade():
    create_publication("{service}")
    op.execute(_WAITING)
    op.execute("UPDATE outbox SET published_at = now() WHERE aggregate_id = 3")
"""
RECORD = (
    "INSERT INTO outbox (event_id, company_id, aggregate_type, aggregate_id, aggregate_version, type, routing_key, body)"
    " SELECT gen_random_uuid(), 1, 'customers', n, 2, 'x', '1.x', 'x' FROM generate_series(1, 3) AS n"
)
STATES = """
    SELECT o.aggregate_id, p.id IS NOT NULL, p.attempts, p.last_error, b.published_at::date - now()::date
    FROM outbox o LEFT JOIN outbox_pending p USING (id) LEFT JOIN outbox_published b ON o.id = ANY (b.ids)
    WHERE o.aggregate_version = 1 ORDER BY o.aggregate_id
"""


def test_what_an_outbox_had_marked_is_taken_over(home_after):
    with home_after(MARKED, SEPARATED) as home:
        # As published when the last of its batch was, so that none is deleted too early.
        assert home.sql(STATES) == [
            (1, False, None, None, -2),
            (2, False, None, None, -2),
            (3, True, 1, None, None),
            (4, True, 7, "refused", None),
        ]


def test_a_migration_that_was_interrupted_goes_on(home_after):
    with home_after(MARKED, INTERRUPTED, SEPARATED.replace('"0003", "0002"', '"0004", "0003"')) as home:
        assert home.sql("SELECT aggregate_id FROM outbox_pending") == [(4,)]
        assert republish(home.relay_url, datetime.now(UTC) - timedelta(days=9)) == 3
        # What the release before published in between may be in two batches, and waits once all the same.
        home.sql("INSERT INTO outbox_published (ids) SELECT ARRAY[id] FROM outbox WHERE aggregate_id = 3")
        assert republish(home.relay_url, datetime.now(UTC) - timedelta(days=9)) == 0
        assert home.sql("SELECT array_agg(aggregate_id ORDER BY aggregate_id) FROM outbox_pending") == [([1, 2, 3, 4],)]


def test_events_are_waited_for_from_their_commit_until_they_are_gone(home):
    home.sql("TRUNCATE outbox, outbox_pending, outbox_published")
    with psycopg.connect(home.admin_url) as connection:
        connection.execute(RECORD)
        connection.rollback()
    assert home.sql("SELECT count(*) FROM outbox_pending") == [(0,)]
    home.sql(RECORD)
    same = "SELECT count(*), count(p.id) FROM outbox o LEFT JOIN outbox_pending p USING (id, aggregate_id, occurred_at)"
    assert home.sql(same) == [(3, 3)]
    home.sql("DELETE FROM outbox WHERE aggregate_id = 2")
    assert home.sql(same) == [(2, 2)]
    assert home.sql("SELECT count(*) FROM outbox_pending") == [(2,)]


@pytest.mark.parametrize("table", ["outbox_pending", "outbox_published"])
def test_who_serves_requests_sees_and_changes_nothing_of_the_relays(home, table):
    for statement in ("SELECT FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES"):
        with psycopg.connect(home.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(SQL(statement).format(Identifier(table)))


def test_events_that_are_published_again_wait_once_and_are_kept(stage):
    stage.declare()
    began = datetime.now(UTC) - timedelta(seconds=1)
    for record in (1, 2, 3):
        stage.record(record)
    with stage.running(stage.relay()):
        wait_until(lambda: stage.unpublished() == 0)
    stage.record(4)
    assert len(list(published(stage.home.relay_url, began))) == 4
    assert len(list(published(stage.home.relay_url, datetime.now(UTC)))) == 1
    stage.sql("UPDATE outbox_published SET published_at = published_at - interval '8 days'")
    assert republish(stage.home.relay_url, began) == 0
    assert republish(stage.home.relay_url, began - timedelta(days=9)) == 3
    assert republish(stage.home.relay_url, began - timedelta(days=9)) == 0
    stage.sql("SELECT purge_expired(1000)")
    assert stage.sql("SELECT count(*) FROM outbox") == [(4,)]
    with stage.running(stage.relay()):
        wait_until(lambda: stage.unpublished() == 0)
    stage.arrived(7)
    stage.sql("UPDATE outbox_published SET published_at = published_at - interval '8 days'")
    stage.sql("SELECT purge_expired(1000)")
    assert stage.sql("SELECT count(*) FROM outbox") == [(0,)]


def test_what_is_a_week_old_goes_so_many_at_a_time_until_nothing_is_left(stage):
    for record in range(1, 13):
        stage.record(record)
    # Batches of two, three of the six without their events: of a company that was purged.
    stage.sql(
        "INSERT INTO outbox_published (published_at, ids) SELECT now() - interval '8 days', array_agg(id) FROM outbox"
        " GROUP BY (aggregate_id + 1) / 2"
    )
    stage.sql("DELETE FROM outbox WHERE aggregate_id BETWEEN 1 AND 6; TRUNCATE outbox_pending")
    stage.record(13)
    left = []
    while stage.sql("SELECT purge_expired(4)") != [(0,)]:
        left += stage.sql("SELECT (SELECT count(*) FROM outbox_published), (SELECT count(*) FROM outbox)")
    assert left[-1] == (0, 1)
    assert [batches for batches, _ in left] == [4, 2, 0]
