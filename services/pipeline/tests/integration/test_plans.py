"""How PostgreSQL answers lists and boards of leads and deals: from indexes of the tenant, and no more than is shown."""

import psycopg
import pytest

from chassis.context import Context
from chassis.db import pages
from chassis.db.kinds import DATE, DECIMAL, INTEGER, OF_WORD, TIMESTAMP
from chassis.db.listing import Shape
from chassis.testing.databases import create_database, drop_database
from chassis.testing.plans import plan_of, rows_read, without_indexes
from pipeline.queries import totals
from pipeline.queries.cards import DEALS, LEADS

# The rows are made once and not in each test process.
pytestmark = pytest.mark.xdist_group("pipeline-plans")
COMPANY, COMPANIES, ROWS = 830_000, 5, 40_000
PARAMETERS = {"first": COMPANY, "last": COMPANY + COMPANIES - 1, "companies": COMPANIES, "rows": ROWS}
# Of a company's 8,000 leads and deals half are open; half of these are expected by no day, and one in forty is archived.
FILL = """
INSERT INTO customer_refs (company_id, customer_id, version)
    SELECT c, n, 1 FROM generate_series(%(first)s, %(last)s) c, generate_series(0, 49) n;
INSERT INTO user_refs (company_id, user_id) SELECT c, n FROM generate_series(%(first)s, %(last)s) c, generate_series(1, 20) n;
INSERT INTO pipelines (company_id, name, is_default) SELECT c, 'Sales', true FROM generate_series(%(first)s, %(last)s) c;
INSERT INTO deal_stages (company_id, pipeline_id, code, name, kind, probability, forecast_category, order_index,
        stale_after_days)
    SELECT p.company_id, p.id, s.code, s.code, s.kind, s.probability, 'pipeline', s.place, 2
    FROM pipelines p, (VALUES ('prospect', 'open', 10, 1), ('proposal', 'open', 50, 2), ('closed_won', 'won', 100, 3))
        s(code, kind, probability, place);
INSERT INTO lead_stages (company_id, name, lead_status, order_index, stale_after_days)
    SELECT c, s.name, s.status, s.place, 2 FROM generate_series(%(first)s, %(last)s) c,
        (VALUES ('New', 'new', 1), ('Qualified', 'qualified', 2), ('Lost', 'lost', 3)) s(name, status, place);
INSERT INTO leads (company_id, lead_name, customer_id, email, source, stage_id, status, priority, probability,
        estimated_value, expected_close_date, assigned_to, created_by, closed_at, position, created_at, updated_at,
        stage_entered_at, archived_at)
    SELECT d.company, 'Lead ' || md5(i::text), i / 5 %% 50, 'user' || i || '@example.com', 'web' || i / 5 %% 9, s.id,
        s.lead_status, (ARRAY['low', 'medium', 'high'])[1 + i / 5 %% 3], i / 5 %% 100, 1 + i / 5 %% 977,
        CASE WHEN i %% 2 = 0 THEN date '2026-01-01' + i / 5 %% 500 END, 1 + i / 5 %% 20, 1 + i / 5 %% 20,
        CASE WHEN s.lead_status = 'lost' THEN d.at END, i, d.at, d.at, d.at,
        CASE WHEN i / 5 %% 40 = 7 THEN now() END
    FROM (SELECT i, %(first)s + i %% %(companies)s AS company, now() - i * interval '1 minute' AS at
        FROM generate_series(1, %(rows)s) i) d
    JOIN lead_stages s ON s.company_id = d.company AND s.order_index = CASE WHEN i / 5 %% 2 = 0 THEN 1 + i / 10 %% 2 ELSE 3 END;
INSERT INTO deals (company_id, deal_name, customer_id, deal_value, pipeline_id, stage_id, stage, status, probability,
        expected_close_date, actual_close_date, closed_at, assigned_to, created_by, position, created_at, updated_at,
        stage_entered_at, archived_at)
    SELECT d.company, 'Deal ' || md5(i::text), i / 5 %% 50, i / 5 %% 977, s.pipeline_id, s.id, s.code, s.kind,
        i / 5 %% 100, CASE WHEN i %% 2 = 0 THEN date '2026-01-01' + i / 5 %% 500 END,
        CASE WHEN s.kind <> 'open' THEN d.at::date END, CASE WHEN s.kind <> 'open' THEN d.at END, 1 + i / 5 %% 20,
        1 + i / 5 %% 20, i, d.at, d.at, d.at, CASE WHEN i / 5 %% 40 = 7 THEN now() END
    FROM (SELECT i, %(first)s + i %% %(companies)s AS company, now() - i * interval '1 minute' AS at
        FROM generate_series(1, %(rows)s) i) d
    JOIN deal_stages s ON s.company_id = d.company AND s.order_index = CASE WHEN i / 5 %% 2 = 0 THEN 1 + i / 10 %% 2 ELSE 3 END
"""
TABLES = "leads, deals, deal_stages, lead_stages, customer_refs"
BOTH = pytest.mark.parametrize("cards", [LEADS, DEALS], ids=["leads", "deals"])
MOMENT = "2026-06-01T00:00:00Z"
VALUES = {TIMESTAMP: MOMENT, DATE: "2026-06-01", DECIMAL: "500"}
KEYS = {
    "expected_close_date": "2026-06-01",
    "estimated_value": "500",
    "deal_value": "500",
    **dict.fromkeys(("lead_name", "deal_name", "source", "status"), "m"),
    **dict.fromkeys(("created_at", "updated_at", "closed_at", "stage_entered_at"), MOMENT),
}


@pytest.fixture(scope="module")
def filled(postgres_url):
    """A database of these tests alone, whose statistics nobody renews while they run: the plans are the same each time."""
    urls = create_database(postgres_url, "pipeline")
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in TABLES.split(", "):
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        with without_indexes(connection, *TABLES.split(", ")):
            for statement in FILL.split(";\n"):
                connection.execute(statement, PARAMETERS)
        connection.execute(f"VACUUM ANALYZE {TABLES}")
    yield urls
    drop_database(postgres_url, urls)


@pytest.fixture
def stage_ids(filled):
    """An open stage and a closed one of each kind of card."""
    with psycopg.connect(filled.superuser) as connection:
        query = "SELECT array_agg(id ORDER BY order_index) FROM {} WHERE company_id = %s AND order_index IN (1, 3)"
        return {
            cards: connection.execute(query.format(cards.stages.name), (COMPANY,)).fetchone()[0]
            for cards in (LEADS, DEALS)
        }


@pytest.fixture
def explain(filled):
    """What a statement reads of the cards, as the service has it executed."""

    def run(cards, statement, index=None, **given):
        nodes = plan_of(filled.app, Context(company_id=COMPANY, user_id=7), statement, given, run=True)
        assert index in (None, *(node.get("Index Name") for node in nodes))
        found = [node for node in nodes if node.get("Relation Name") == cards.table.name]
        assert found
        for node in found:
            assert node["Node Type"] != "Seq Scan", node
            condition = node.get("Index Cond", "") + node.get("Recheck Cond", "")
            assert "company_id" in condition or "(id = " in condition or node["Node Type"] == "Tid Scan", node
        return found

    return run


def given_keys(cards, shape):
    names = [name for name, _ in cards.listing.keys(shape)]
    return {f"k{number}": KEYS.get(name, 5) for number, name in enumerate(names) if number or not shape.after_null}


@BOTH
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("after", [False, True], ids=["first", "on"])
def test_a_page_in_any_order_reads_no_more_than_it_shows(explain, cards, descending, after):
    for name in cards.listing.sorts:
        if name == "position":
            continue
        ranked = cards.listing.ranks.get(name, name)
        shapes = [Shape(None, (), ((ranked, descending),), 50, after=after)]
        if after and cards.listing.may_lack(ranked):
            shapes.append(Shape(None, (), ((ranked, descending),), 50, after=True, after_null=True))
        for shape in shapes:
            given = given_keys(cards, shape) if after else {}
            read = explain(cards, pages._page(cards.listing, shape), **given)
            # Archived ones lie between, and two parts are read where some have nothing in the field.
            assert sum(rows_read(node) for node in read) <= 130, (name, read)


@BOTH
@pytest.mark.parametrize("place", [0, 1], ids=["open", "closed"])
@pytest.mark.parametrize("after", [False, True], ids=["first", "on"])
def test_a_column_of_a_board_reads_no_more_than_it_shows(explain, cards, stage_ids, place, after):
    shape = Shape(None, (("stage_id", "eq"),), (("position", False),), 20, after=after)
    given = {"v0": stage_ids[cards][place]} | ({"k0": ROWS // 2, "k1": 5} if after else {})
    read = explain(cards, pages._page(cards.listing, shape), **given)
    assert [node["Index Name"] for node in read] == [f"ix_{cards.table.name}_board"]
    assert rows_read(read[0]) <= 21


@BOTH
def test_every_filter_is_answered_by_an_index_of_the_tenant(explain, cards):
    for name, kind in cards.listing.filters.items():
        if name == "archived_at":
            continue
        shape = Shape(None, ((name, "gte" if kind in VALUES else "eq"),), (("created_at", True),), 50, after=False)
        value = VALUES.get(kind, 5 if kind is INTEGER else "qualified")
        assert explain(cards, pages._page(cards.listing, shape), v0=value)


@BOTH
@pytest.mark.parametrize(
    ("word", "column"), [("overdue", "expected_close_date"), ("stale", "stage_entered_at")], ids=["overdue", "stale"]
)
def test_who_is_late_is_read_in_order_of_that_from_those_who_are_open(explain, cards, word, column):
    order = cards.listing.words[word]["true"].sort
    shape = Shape(None, ((word, f"{OF_WORD}true"),), order, 50, after=False)
    read = explain(cards, pages._page(cards.listing, shape), index=f"ix_{cards.table.name}_open_{column}")
    assert sum(rows_read(node) for node in read) <= 51


@pytest.mark.parametrize("own", [False, True], ids=["all", "own"])
def test_the_totals_of_a_board_are_read_from_the_index_of_open_deals(explain, filled, own):
    with psycopg.connect(filled.superuser) as connection:
        query = "SELECT id FROM pipelines WHERE company_id = %s"
        [pipeline_id] = connection.execute(query, (COMPANY,)).fetchone()
    statement = totals._sums(DEALS, (), own, of_pipeline=True)
    given = {"of_pipeline": pipeline_id, "base": "USD", "today": "2026-06-01", "actor": 7}
    explain(DEALS, statement, index="ix_deals_under_way", **given)


@BOTH
def test_a_list_of_archived_ones_has_an_index_of_its_own(explain, cards):
    shape = Shape(None, (("archived_at", "not_null"),), (("created_at", True),), 50, after=False)
    explain(cards, pages._page(cards.listing, shape), index=f"ix_{cards.table.name}_archived")


@BOTH
def test_own_records_are_read_by_the_columns_that_make_them_so(explain, cards):
    shape = Shape(None, (), (("created_at", True),), 50, after=False)
    read = explain(cards, pages._page(cards.listing, shape, True), actor=7)
    names = {node["Index Name"] for node in read}
    assert names == {f"ix_{cards.table.name}_{column}_created_at" for column in ("assigned_to", "created_by")}
