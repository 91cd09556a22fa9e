"""How PostgreSQL answers lists, the summary and timelines: by an index that begins with the tenant."""

import psycopg
import pytest

from chassis.context import Context
from chassis.db import facets, pages
from chassis.db.kinds import OF_WORD
from chassis.db.listing import Shape
from chassis.purges import BATCH
from chassis.testing.databases import create_database, drop_database
from chassis.testing.plans import nodes_of, plan_of, rows_read
from tasks.commands import user_purges
from tasks.commands.user_purges import PURGES
from tasks.queries import summary, timeline
from tasks.queries.activities import ACTIVITIES
from tasks.queries.tasks import TASKS
from tasks.routes.bulk import COUNTED

# The rows are made once and not in each test process.
pytestmark = pytest.mark.xdist_group("tasks-plans")
COMPANY, COMPANIES, ROWS = 800_000, 20, 40_000
FILL = """
INSERT INTO user_refs (company_id, user_id) SELECT %(first)s + i, 7 FROM generate_series(0, %(companies)s) i;
INSERT INTO customer_refs (company_id, customer_id, version, name)
SELECT %(first)s + i, c, 1, 'C' FROM generate_series(0, %(companies)s) i, generate_series(0, 59) c;
INSERT INTO tasks (company_id, title, status, priority, due_date, due_time_zone, completed_at, customer_id, assigned_to,
    created_by, created_at, updated_at)
SELECT %(first)s + i %% %(companies)s, 'Title ' || i, CASE i %% 3 WHEN 0 THEN 'completed' ELSE 'pending' END,
    (ARRAY['low', 'medium', 'high', 'urgent'])[1 + i / 20 %% 4], now() + (i - 20000) * interval '1 minute', 'UTC',
    CASE i %% 3 WHEN 0 THEN now() - i * interval '1 minute' END, i / 20 %% 60, 7, 7, now() - i * interval '1 minute',
    now() - i * interval '1 minute' FROM generate_series(1, %(rows)s) i;
INSERT INTO activities (company_id, activity_type, title, customer_id, user_id, activity_date)
SELECT %(first)s + i %% %(companies)s, 'call', 'x', i / 20 %% 60, 7, now() - i * interval '1 minute'
FROM generate_series(1, %(rows)s) i
"""
MOMENT = "2026-01-01T00:00:00Z"
BOUNDS = dict.fromkeys(("due_now", "due_tomorrow", "due_day_after", "due_next_week"), MOMENT)


@pytest.fixture(scope="module")
def filled(postgres_url):
    """A database of these tests alone, whose statistics nobody renews while they run."""
    urls = create_database(postgres_url, "tasks")
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        for table in ("tasks", "activities", "customer_refs"):
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        parameters = {"first": COMPANY, "companies": COMPANIES, "rows": ROWS}
        for statement in FILL.split(";\n"):
            connection.execute(statement, parameters)
        connection.execute("VACUUM ANALYZE tasks, activities, customer_refs")
    yield urls
    drop_database(postgres_url, urls)


@pytest.fixture
def explain(filled):
    """The nodes of a statement's plan, made for all values at once as the service makes it."""

    def run(statement, **given):
        return plan_of(filled.app, Context(company_id=COMPANY), statement, given)

    return run


def indexes(nodes, table):
    """The indexes that a table is read by; None for one that is read as a whole."""
    found = [node for node in nodes if node.get("Relation Name") == table]
    assert found
    for node in found:
        assert node["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Heap Scan"), node
        condition = node.get("Index Cond", "") + node.get("Recheck Cond", "")
        assert "company_id" in condition or "(id = " in condition, node
    return {node["Index Name"] for node in nodes if "Index Name" in node}


@pytest.mark.parametrize("which", [TASKS, ACTIVITIES], ids=["tasks", "activities"])
@pytest.mark.parametrize("descending", [False, True])
def test_every_sort_is_answered_by_an_index_of_the_tenant(explain, which, descending):
    for name in which.sorts:
        shape = Shape(None, (), ((which.ranks.get(name, name), descending),), 50, after=False)
        nodes = explain(pages._page(which, shape))
        assert indexes(nodes, which.view.name)
        # Those with a value and those without are two pages in their order; no more than these is ever sorted.
        assert all(node["Plan Rows"] <= 2 * shape.limit + 2 for node in nodes if node["Node Type"] == "Sort"), name


@pytest.mark.parametrize("word", ["overdue", "today", "tomorrow", "week", "later", "none"])
def test_a_users_bucket_is_read_from_the_index_of_open_tasks(explain, word):
    conditions = (("assigned_to", "eq"), ("due", f"{OF_WORD}{word}"))
    shape = Shape(None, conditions, (("due_date", False),), 50, after=False)
    assert indexes(explain(pages._page(TASKS, shape), v0=7, **BOUNDS), "tasks") == {"ix_tasks_open"}


def test_the_summary_reads_nothing_but_the_index_of_open_tasks(explain):
    nodes = explain(summary._SUMMARY[False], of_user=7, **BOUNDS)
    assert indexes(nodes, "tasks") == {"ix_tasks_open"}


def test_facets_read_nothing_but_the_index_of_what_is_shown(explain):
    for statement in (facets._facets(TASKS, COUNTED, False), summary._ALL[False]):
        nodes = explain(statement, **BOUNDS)
        assert indexes(nodes, "tasks") <= {"ix_tasks_shown", "ix_tasks_open"}
        assert {node["Node Type"] for node in nodes if node.get("Relation Name") == "tasks"} == {"Index Only Scan"}


@pytest.mark.parametrize("function", ["SELECT * FROM expired_tasks(100)", "SELECT * FROM expired_activities(100)"])
def test_what_is_old_enough_is_looked_for_by_age_and_not_in_every_row(filled, function):
    with psycopg.connect(filled.superuser) as connection:
        nodes = nodes_of(connection, COMPANY, function)
    read = [node for node in nodes if node.get("Relation Name") in ("tasks", "activities")]
    assert {node["Index Name"] for node in nodes if "Index Name" in node} <= {"ix_tasks_expiring", "ix_activities_age"}
    # One stretch of pages at most, which holds no more of them in a larger table.
    assert sum(rows_read(node) for node in read) <= ROWS / 4


@pytest.mark.parametrize(
    ("kind", "of"), [("customer", ["customer_id"]), ("lead", ["lead_id"]), ("deal", ["deal_id", "lead_id"])]
)
def test_a_page_of_a_timeline_is_walks_in_the_order_of_their_indexes(explain, kind, of):
    walked = timeline.Walk(kind, only=None, filters=frozenset(), own=False, tasks="all")
    given = {"of_subject": 3, "after_at": MOMENT, "after_activity": 1, "after_task": 1, "most": 51}
    nodes = explain(timeline._statement(walked), **given)
    wanted = {
        f"ix_{table}_{column}_{at}"
        for table, at in (("tasks", "completed_at"), ("activities", "activity_date"))
        for column in of
    }
    assert indexes(nodes, "tasks") >= wanted
    walks = [node for node in nodes if node.get("Index Name", "").endswith(("completed_at", "activity_date"))]
    assert all("ROW(" in node["Index Cond"] for node in walks)
    assert all(node.get("Scan Direction") == "Backward" for node in walks)


def test_a_step_of_a_purge_reads_no_more_than_it_changes(filled):
    held = {held.records.view.table.name: held for held in PURGES.held}["tasks"]
    statements = {**held.naming, "waiting": held.waiting, "activities": user_purges._ACTIVITIES}
    for name, statement in statements.items():
        nodes = plan_of(filled.app, Context(company_id=COMPANY), statement, {"of_user": 7}, run=True)
        assert not [node for node in nodes if node["Node Type"] == "Seq Scan"], name
        read = [node for node in nodes if node.get("Relation Name") in {"tasks", "activities"}]
        assert sum(rows_read(node) * node["Actual Loops"] for node in read) <= 4 * BATCH, name
