"""How PostgreSQL answers lists and searches: by an index that begins with the tenant, below row-level security."""

import psycopg
import pytest
from psycopg import sql

from chassis.context import Context, acting_as
from chassis.db import pages
from chassis.db.kinds import TIMESTAMP
from chassis.db.listing import Shape
from chassis.testing.databases import create_database, drop_database
from chassis.testing.plans import plan_of, walk, without_indexes
from customers.queries.contacts import CONTACTS
from customers.queries.customers import CUSTOMERS

# The rows are made once and not in each test process.
pytestmark = pytest.mark.xdist_group("customers-plans")
# Companies of this module alone; the rows of other tests do not count beside these.
COMPANY, COMPANIES, ROWS = 700_000, 20, 60_000
FILL = """
INSERT INTO customers (company_id, customer_code, name, email, phone, status, source, priority, customer_type, city,
    company_name, email_norm, name_norm, phone_e164, phone_tail, domain_norm, created_at, updated_at, tags)
SELECT %(first)s + i %% %(companies)s, 'X-' || i, 'Name ' || md5(i::text), 'user' || i || '@example.com', '+4930' || i,
    (ARRAY['active', 'inactive', 'prospect', 'lost'])[1 + i / 20 %% 4], 'web' || i / 20 %% 9, 'low', 'business',
    'City ' || i / 20 %% 50, 'Company ' || i, 'user' || i || '@example.com', 'name ' || md5(i::text), '+4930' || i,
    lpad(i::text, 10, '0'), 'example' || i || '.com', now() - i * interval '1 minute', now() - i * interval '1 minute',
    jsonb_build_array('tag' || i / 20 %% 4)
FROM generate_series(1, %(rows)s) i
"""
CONTACTS_TOO = """
INSERT INTO contacts (company_id, customer_id, first_name, email_norm)
SELECT company_id, id, 'Grace', email_norm FROM customers WHERE company_id BETWEEN %(first)s AND %(first)s + %(companies)s
"""
VALUES = {
    "id": 1,
    "created_by": 7,
    "assigned_to": 7,
    "customer_id": 1,
    "is_primary": True,
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
    "archived_at": "2026-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def filled(postgres_url):
    """A database of these tests alone, whose statistics nobody renews while they run: the plans are the same each time."""
    urls = create_database(postgres_url, "customers")
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        for table in ("customers", "contacts", "customer_tags"):
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        parameters = {"first": COMPANY, "companies": COMPANIES, "rows": ROWS}
        with without_indexes(connection, "customers", "contacts", "customer_tags"):
            connection.execute(FILL, parameters)
            connection.execute(CONTACTS_TOO, parameters)
        connection.execute("VACUUM ANALYZE customers, contacts, customer_tags")
    yield urls
    drop_database(postgres_url, urls)


@pytest.fixture
def explain(filled):
    """The nodes of a list request's plan, made for all values at once as the service makes it."""

    def run(which, shape, **given):
        return plan_of(filled.app, Context(company_id=COMPANY), pages._page(which, shape), given)

    return run


def shapes(which):
    """Every sort, and every filter under every operator but those that no index can serve."""
    for name in which.sorts:
        for descending in (False, True):
            for after in (False, True):
                shape = Shape(None, (), ((name, descending),), 50, after)
                yield pytest.param(which, shape, {}, id=f"{name}-{descending}-{after}")
            if which.may_lack(name):
                shape = Shape(None, (), ((name, descending),), 50, after=True, after_null=True)
                yield pytest.param(which, shape, {}, id=f"{name}-{descending}-null")
    for name, kind in which.filters.items():
        value = VALUES.get(name, "active")
        operator = "gte" if kind is TIMESTAMP else "eq"
        yield pytest.param(
            which, Shape(None, ((name, operator),), (("created_at", True),), 50, False), {"v0": value}, id=name
        )


@pytest.mark.parametrize(("which", "shape", "given"), [*shapes(CUSTOMERS), *shapes(CONTACTS)])
def test_every_list_is_answered_by_an_index_of_the_tenant(explain, which, shape, given):
    if shape.after:
        keys = enumerate(name for name, _ in which.keys(shape))
        given = {f"k{index}": VALUES.get(name, "x") for index, name in keys if index or not shape.after_null}
    nodes = [node for node in explain(which, shape, **given) if node.get("Relation Name") == which.view.name]
    assert nodes
    for node in nodes:
        assert node["Node Type"] in ("Index Scan", "Bitmap Heap Scan"), node
        condition = node.get("Index Cond", "") + node.get("Recheck Cond", "")
        assert "company_id" in condition or "(id = " in condition, node


@pytest.mark.parametrize(
    ("operator", "given", "index"),
    [
        ("not_null", {}, "ix_customers_archived"),
        ("gte", {"v0": VALUES["archived_at"]}, "ix_customers_archived"),
        ("is_null", {}, "ix_customers_company_id_created_at"),
    ],
)
def test_archived_customers_have_an_index_of_their_own(explain, operator, given, index):
    shape = Shape(None, (("archived_at", operator),), (("created_at", True),), 50, False)
    assert index in [node.get("Index Name") for node in explain(CUSTOMERS, shape, **given)]


@pytest.mark.parametrize("after", [False, True])
def test_who_has_a_tag_is_read_in_the_order_of_the_list(explain, after):
    shape = Shape(None, (("tag", "eq"),), (("created_at", True),), 50, after)
    nodes = explain(CUSTOMERS, shape, v0="tag1", **({"k0": VALUES["created_at"], "k1": 1} if after else {}))
    assert "pk_customer_tags" in [node.get("Index Name") for node in nodes]
    # Where few are left after the cursor, these are read and sorted.
    assert after or "Sort" not in [node["Node Type"] for node in nodes]


@pytest.mark.parametrize("limit", [20, 100])
def test_who_may_have_a_part_of_a_text_is_read_by_id(explain, limit):
    shape = Shape(None, (("name", "contains"),), (("created_at", True),), limit, False, named=True)
    nodes = explain(CUSTOMERS, shape, v0="%ame 12%", named=list(range(1, 20)))
    read = [node for node in nodes if node.get("Relation Name") == "customers"]
    assert {node["Index Name"] for node in read} == {"pk_customers"}


SMALL, SMALLS, LARGE = COMPANY + 100, 600, COMPANY + 99


@pytest.fixture(scope="module")
def one_large(filled):
    """Beside these, hundreds of companies of three, of whose size the planner thinks that all are."""
    with psycopg.connect(filled.superuser, autocommit=True) as connection:
        connection.execute(FILL, {"first": SMALL, "companies": SMALLS, "rows": 3 * SMALLS})
        connection.execute(FILL.replace("'Name '", "'Nume '"), {"first": LARGE, "companies": 1, "rows": 20_000})
        connection.execute("ANALYZE customers")
    yield filled
    with psycopg.connect(filled.superuser, autocommit=True) as connection:
        connection.execute("DELETE FROM customers WHERE company_id >= %s", (LARGE,))
        connection.execute("VACUUM ANALYZE customers, customer_tags")


@pytest.mark.parametrize("limit", [20, 50])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("sort", ["created_at", "name", "updated_at", "status"])
def test_a_large_tenant_among_small_ones_is_not_read_as_a_whole(one_large, sort, after, limit):
    shape = Shape(None, (("name", "contains"),), ((sort, True),), limit, after)
    statement = pages._page(CUSTOMERS, shape)
    given = {"v0": "%a1%"}
    with psycopg.connect(one_large.app, options="-c plan_cache_mode=force_generic_plan -c timezone=UTC") as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(LARGE),))
        if after:
            keys = sql.SQL(", ").join(sql.Identifier(name) for name, _ in CUSTOMERS.keys(shape))
            query = "SELECT {} FROM customers WHERE company_id = {} AND status = 'lost' ORDER BY {} OFFSET 1000 LIMIT 1"
            row = connection.execute(sql.SQL(query).format(keys, LARGE, sql.Identifier(sort))).fetchone()
            given |= {f"k{index}": value for index, value in enumerate(row)}
        with acting_as(Context(company_id=LARGE)):
            bound = statement.bind(given)
        for _ in range(2):
            plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.sql}", bound, prepare=True)
        nodes = list(walk(plan.fetchall()[0][0][0]["Plan"]))
    assert max(node["Actual Rows"] for node in nodes if node.get("Relation Name") == "customers") <= 1500


def test_a_page_of_a_large_tenant_reads_no_more_than_the_page(filled):
    with psycopg.connect(filled.app) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(COMPANY),))
        plan = connection.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT id FROM customers WHERE company_id = %s AND archived_at IS NULL"
            " ORDER BY created_at DESC, id DESC LIMIT 51",
            (COMPANY,),
        ).fetchall()[0][0][0]["Plan"]
    assert max(node["Actual Rows"] for node in walk(plan)) <= 51


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM search_customers('ompany 4242', 100, NULL)",
        "SELECT find_customers_containing('ompany 4242', 100)",
    ],
)
def test_search_uses_the_index_with_the_tenant_inside(filled, query):
    """The body of the function, as its owner runs it."""
    with psycopg.connect(filled.superuser, autocommit=True) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, false)", (str(COMPANY),))
        connection.execute("LOAD 'auto_explain'")
        notices = []
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        connection.execute("SET client_min_messages = log")
        connection.execute("SET auto_explain.log_min_duration = 0")
        connection.execute("SET auto_explain.log_nested_statements = on")
        connection.execute(query).fetchall()
    plan = "\n".join(notices)
    assert "ix_customers_grams" in plan, plan
    assert "Seq Scan on customers" not in plan, plan


def test_what_searches_read_before_their_index_is_short(filled):
    """The list of what is new: 8 kB a page, and 64 kB before it is swept, whatever is written."""
    with psycopg.connect(filled.superuser) as connection:
        connection.execute(FILL, {"first": COMPANY + 2 * COMPANIES, "companies": 1, "rows": 2000})
        pages_ = connection.execute("SELECT gin_clean_pending_list('ix_customers_grams')").fetchall()[0][0]
        connection.rollback()
    assert pages_ < 12
