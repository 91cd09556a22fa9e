"""How PostgreSQL answers a list: by index, and from the partitions of the period alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from audit import queries
from chassis.context import Context
from chassis.db import pages
from chassis.db.listing import Shape
from chassis.testing.fixtures import DatabaseUrls
from chassis.testing.plans import plan_of

# The rows are made once and not in each test process.
pytestmark = pytest.mark.xdist_group("audit-plans")
NOW = datetime.now(UTC)
Explain = Callable[..., list[dict[str, Any]]]

FILL = """
INSERT INTO audit_logs
    (company_id, event_id, event_type, source, table_name, record_id, action, user_id, request_id, created_at)
SELECT 1 + i % 20, gen_random_uuid(), 'crm.customer.updated.v' || i / 20 % 7, 'service_' || i / 20 % 5, 'customers', 1 + i / 20 % 300,
    (ARRAY['created', 'updated', 'archived'])[1 + i / 20 % 3], 1 + i / 20 % 5, 'request-' || i,
    now() - interval '20 days' + i * interval '2 minutes'
FROM generate_series(1, 40000) i
"""


@pytest.fixture(scope="module")
def filled(urls: DatabaseUrls) -> DatabaseUrls:
    """The log with enough rows in every month that reading them all would be the wrong plan."""
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        connection.execute(FILL)
        connection.execute("ANALYZE audit_logs")
    return urls


@pytest.fixture
def explain(filled: DatabaseUrls) -> Explain:
    """The scans of a list request: planned as the service plans it, for all values at once, and run."""

    def run(*conditions: tuple[str, str], values: tuple[Any, ...] = (), after: tuple[Any, ...] = ()) -> Any:
        shape = Shape(fields=None, conditions=conditions, sort=(("created_at", True),), limit=50, after=bool(after))
        statement = pages._page(queries.AUDIT_LOGS, shape)
        given = {f"v{index}": value for index, value in enumerate(values)}
        given |= {f"k{index}": value for index, value in enumerate(after)}
        plan = plan_of(filled.app, Context(company_id=5), statement, given, run=True)
        return [node for node in plan if "Relation Name" in node]

    return run


@pytest.mark.parametrize(
    ("names", "values"),
    [
        ((), ()),
        (("table_name", "record_id"), ("customers", 5)),
        (("user_id",), (5,)),
        (("action",), ("updated",)),
        (("event_type",), ("crm.customer.updated.v3",)),
        (("source",), ("service_3",)),
        (("request_id",), ("request-64",)),
    ],
)
def test_a_filter_is_answered_by_an_index(explain: Explain, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
    scans = explain(*((name, "eq") for name in names), values=values)
    used = [scan for scan in scans if scan["Actual Rows"]]
    assert used
    for scan in used:
        # A bitmap is the better way to a handful of scattered rows; it names its condition differently.
        assert scan["Node Type"] in ("Index Scan", "Bitmap Heap Scan")
        for name in ("company_id", *names):
            assert name in (scan.get("Index Cond") or scan["Recheck Cond"])
        assert not scan.get("Rows Removed by Filter")


def test_the_next_page_begins_in_the_index(explain: Explain) -> None:
    for scan in explain(after=(NOW, 1)):
        assert scan["Node Type"] == "Index Scan"
        assert "created_at" in scan["Index Cond"]


def test_a_period_is_read_from_its_partition_alone(explain: Explain) -> None:
    month = (NOW.replace(day=1) + timedelta(days=32)).replace(day=1)
    values = (month, month + timedelta(days=3))
    scans = explain(("created_at", "gte"), ("created_at", "lt"), values=values)
    assert {scan["Relation Name"] for scan in scans} == {f"audit_logs_{month:y%Ym%m}"}
