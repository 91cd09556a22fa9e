"""How PostgreSQL answers reports: by indexes that begin with the tenant, and no more of it than the report is of."""

import os
import time
from datetime import UTC, datetime

import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.testing.databases import create_database, drop_database
from chassis.testing.plans import plan_of, without_indexes
from pipeline.queries.reports import histories, outcomes, present
from pipeline.queries.reports.histories import report_funnel, report_slippage, report_stage_durations
from pipeline.queries.reports.outcomes import report_cycle, report_loss_reasons, report_velocity, report_win_rate
from pipeline.queries.reports.present import report_deal_pipeline, report_forecast
from pipeline.queries.reports.scope import Scope
from pipeline.rules.reporting import Window

# The rows are made once and not in each test process.
pytestmark = pytest.mark.xdist_group("report-plans")
# Companies of this module alone. The first has a share of the deals that makes its reports worth the wait: a tenth of
# all deals are its open ones, and a twentieth closed and were created in the window. At 1,000,000 this is the size that
# the promises of docs/reports.md are of.
COMPANY = 910_000
DEALS = int(os.environ.get("CRM_TEST_REPORT_DEALS", "40000"))
MILLION = 1_000_000
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
REPORTS = {
    "present": (report_deal_pipeline, report_forecast),
    "window": (
        report_win_rate,
        report_cycle,
        report_velocity,
        report_loss_reasons,
        report_funnel,
        report_stage_durations,
        report_slippage,
    ),
}

LARGE = ("deals", "stage_history", "close_date_history")

FILL = """
INSERT INTO company_refs (company_id, version, default_currency, time_zone)
    SELECT %(company)s + i, 1, 'USD', 'America/New_York' FROM generate_series(0, 99) i;
INSERT INTO customer_refs (company_id, customer_id, version) SELECT %(company)s + i, 1, 1 FROM generate_series(0, 99) i;
INSERT INTO user_refs (company_id, user_id)
    SELECT %(company)s + i, user_id FROM generate_series(0, 99) i, generate_series(7, 16) user_id;
INSERT INTO pipelines (company_id, name, is_default) SELECT %(company)s + i, 'Sales', true FROM generate_series(0, 99) i;
INSERT INTO deal_stages (company_id, pipeline_id, code, name, kind, probability, forecast_category, order_index)
    SELECT p.company_id, p.id, s.code, s.code, s.kind, s.probability, s.category, s.place
    FROM pipelines p, (VALUES ('prospect', 'open', 10, 'pipeline', 1), ('qualified', 'open', 25, 'pipeline', 2),
        ('proposal', 'open', 50, 'best_case', 3), ('negotiation', 'open', 75, 'commit', 4),
        ('closed_won', 'won', 100, 'closed', 5), ('closed_lost', 'lost', 0, 'omitted', 6)
    ) s(code, kind, probability, category, place) WHERE p.company_id BETWEEN %(company)s AND %(company)s + 99;
INSERT INTO exchange_rates (company_id, currency, base_currency, rate, valid_on)
    SELECT %(company)s + i, currency, 'USD', 1.1 + month / 100.0, date '2025-01-01' + month * interval '1 month'
    FROM generate_series(0, 99) i, generate_series(0, 14) month, unnest(ARRAY['EUR', 'GBP', 'JPY']) currency;
-- A tenth open and a twentieth closed of the first company, the rest of them closed long ago or of the others.
INSERT INTO deals (company_id, deal_name, customer_id, deal_value, currency, pipeline_id, stage_id, stage, status,
        probability, expected_close_date, assigned_to, created_by, created_at, stage_entered_at, closed_at,
        actual_close_date, loss_reason, close_rate, close_rate_base, close_rate_date)
    SELECT d.company_id, 'Deal', 1, 1 + i %% 100000 + 0.25, (ARRAY['USD', 'EUR', 'GBP', 'CHF'])[1 + i %% 4], s.pipeline_id,
        s.id, s.code, s.kind, s.probability, date '2026-01-01' + (i %% 400)::int, 7 + i %% 10, 7 + i %% 10,
        d.created, d.created, CASE WHEN s.kind <> 'open' THEN d.closed END,
        CASE WHEN s.kind <> 'open' THEN (d.closed AT TIME ZONE 'America/New_York')::date END,
        CASE WHEN s.kind = 'lost' THEN 'Price' END,
        CASE WHEN s.kind <> 'open' AND i %% 4 = 1 THEN 1.2 END, CASE WHEN s.kind <> 'open' AND i %% 4 = 1 THEN 'USD' END,
        CASE WHEN s.kind <> 'open' AND i %% 4 = 1 THEN date '2026-01-01' END
    FROM (
        SELECT i, %(company)s + CASE WHEN i %% 20 < 4 THEN 0 ELSE 1 + i %% 99 END AS company_id,
            CASE WHEN i %% 20 < 2 THEN 1 + (i / 20) %% 4 WHEN i %% 20 < 4 THEN 5 + (i / 20) %% 2 ELSE 1 + (i / 20) %% 6
            END AS place,
            CASE WHEN i %% 20 = 2 THEN timestamptz '2026-01-02' ELSE timestamptz '2025-01-02' END
                + (i %% 40) * interval '1 day' AS created,
            CASE WHEN i %% 20 = 2 THEN timestamptz '2026-02-20' ELSE timestamptz '2025-06-20' END
                + (i %% 37) * interval '1 day' AS closed
        FROM generate_series(1, %(deals)s) i
    ) d JOIN deal_stages s ON s.company_id = d.company_id AND s.order_index = d.place;
INSERT INTO stage_history (company_id, deal_id, pipeline_id, to_stage_id, to_code, to_name, to_kind, entered_at, left_at,
        currency, status)
    SELECT d.company_id, d.id, d.pipeline_id, s.id, s.code, s.code, s.kind,
        CASE WHEN step = 1 THEN d.created_at ELSE coalesce(d.closed_at, d.created_at + interval '3 days') END,
        CASE WHEN step = 1 THEN coalesce(d.closed_at, d.created_at + interval '3 days') END, d.currency, s.kind
    FROM deals d, generate_series(1, 2) step, deal_stages s WHERE d.company_id BETWEEN %(company)s AND %(company)s + 99
        AND s.company_id = d.company_id AND s.pipeline_id = d.pipeline_id
        AND CASE WHEN step = 1 THEN s.order_index = 1 ELSE s.id = d.stage_id END;
INSERT INTO close_date_history (company_id, deal_id, new_date, changed_at)
    SELECT company_id, id, expected_close_date, created_at FROM deals
    WHERE company_id BETWEEN %(company)s AND %(company)s + 99;
"""


@pytest.fixture(scope="module")
def urls(postgres_url):
    """A database of these tests alone, whose statistics nobody renews while they run: the plans are the same each time."""
    made = create_database(postgres_url, "pipeline")
    yield made
    drop_database(postgres_url, made)


@pytest.fixture(scope="module")
def large(urls):
    """A company with a part of very many deals."""
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        # What is filled here is right; checking a key at each of a million rows takes most of the time.
        connection.execute("SET session_replication_role = replica")
        for table in LARGE:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        with without_indexes(connection, *LARGE):
            for statement in FILL.split(";\n"):
                if statement.strip():
                    connection.execute(statement, {"company": COMPANY, "deals": DEALS})
        connection.execute("VACUUM ANALYZE deals, stage_history, close_date_history, exchange_rates, deal_stages")
        # As long as anybody looks at the tables as they were, such as autovacuum, VACUUM cannot say that all see them.
        for _ in range(60):
            query = "SELECT bool_and(relallvisible >= relpages) FROM pg_class WHERE relname = ANY (%s)"
            if connection.execute(query, (list(LARGE),)).fetchone()[0]:
                break
            time.sleep(0.5)
            connection.execute("VACUUM deals, stage_history, close_date_history")
        row = connection.execute("SELECT id FROM pipelines WHERE company_id = %s", (COMPANY,)).fetchone()
    database = Database(urls.app)
    yield database, row[0]
    database.dispose()


@pytest.fixture
def scope(large):
    """The first quarter, of which half is over."""
    window = Window(
        datetime(2026, 1, 1, tzinfo=UTC).date(), datetime(2026, 3, 31, tzinfo=UTC).date(), "America/New_York"
    )
    return Scope(base="USD", zone="America/New_York", now=NOW, pipeline_id=large[1], window=window)


def run(large, report, scope):
    with acting_as(Context(company_id=COMPANY, user_id=7)), large[0].session() as session:
        return report(session, scope)


def test_the_fill_is_what_is_promised_of(large, scope):
    assert run(large, report_deal_pipeline, scope)["open"]["count"] == DEALS // 10
    rate = run(large, report_win_rate, scope)
    assert rate["won"]["count"] + rate["lost"]["count"] == DEALS // 20
    assert run(large, report_funnel, scope)["deals"] == DEALS // 20


@pytest.fixture
def explain(urls, large, scope):
    """The nodes of the plan by which a statement is executed, made for all values at once as the service makes it."""

    def run_it(statement, *names):
        given = {name: scope._given[name] for name in names}
        return plan_of(urls.app, Context(company_id=COMPANY, user_id=7), statement(()), given, run=True)

    return run_it


STATEMENTS = {
    present._deal_stages: ("pipeline_id", "base", "today", "start", "end"),
    present._forecast: ("pipeline_id", "base", "today", "first", "last", "start", "end"),
    outcomes._outcomes: ("pipeline_id", "base", "start", "end"),
    outcomes._cycle: ("pipeline_id", "start", "end"),
    outcomes._open_now: ("pipeline_id",),
    outcomes._open_then: ("pipeline_id", "until"),
    outcomes._reasons: ("pipeline_id", "base", "start", "end"),
    histories._funnel: ("pipeline_id", "start", "end"),
    histories._stage_durations: ("pipeline_id", "start", "end", "now"),
    histories._due: ("pipeline_id", "start", "first", "last", "until"),
    histories._pushes: ("pipeline_id", "start", "end", "last"),
}


@pytest.mark.parametrize(("statement", "names"), STATEMENTS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_reports_read_by_indexes_of_the_tenant(explain, statement, names):
    for node in explain(statement, *names):
        if node.get("Relation Name") in LARGE:
            assert "Scan" in node["Node Type"]
            assert node["Node Type"] != "Seq Scan", node
            condition = node.get("Index Cond", "") + node.get("Recheck Cond", "")
            assert "company_id" in condition, node


@pytest.mark.parametrize("statement", [present._deal_stages, present._forecast, outcomes._open_now])
def test_open_deals_are_added_up_from_their_index_alone(explain, statement):
    nodes = [
        node for node in explain(statement, *STATEMENTS[statement]) if node.get("Index Name") == "ix_deals_under_way"
    ]
    assert [(node["Node Type"], node["Heap Fetches"]) for node in nodes] == [("Index Only Scan", 0)]


# The names of deals and the texts of losses are in no index; who lost what is read from the table.
@pytest.mark.parametrize("statement", [known for known in STATEMENTS if known is not outcomes._reasons])
def test_reports_read_indexes_and_no_rows(explain, statement):
    read = [node for node in explain(statement, *STATEMENTS[statement]) if node.get("Relation Name") in LARGE]
    assert read
    for node in read:
        assert (node["Node Type"], node.get("Heap Fetches")) == ("Index Only Scan", 0), node


@pytest.mark.parametrize("report", [*REPORTS["present"], *REPORTS["window"]], ids=lambda report: report.__name__)
def test_reports_are_as_quick_as_is_promised(large, scope, report, record_property):
    """The best of three, for others work on the machine as well; the promise is of a million deals."""
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        run(large, report, scope)
        spent.append(time.perf_counter() - begun)
    record_property("milliseconds", round(min(spent) * 1000))
    longest = 0.15 if report in REPORTS["present"] else 0.5
    assert min(spent) <= longest
