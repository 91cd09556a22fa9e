"""The floor: what the same question costs without the product. One function, one prepared statement, the same JSON.

No token, no tenant, no routing, no validation beyond the JSON parser, no log, no metrics. gunicorn runs it with the
same settings as a service; wrk asks it directly, without the gateway.
"""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from bench.floor_connection import RECORD, connect, fetch
from customers.views import CUSTOMER

StartResponse = Callable[[str, list[tuple[str, str]]], object]

_TEXT_COLUMNS = {"credit_limit": "credit_limit::text"}
COLUMNS = ", ".join(_TEXT_COLUMNS.get(name, name) for name in CUSTOMER.columns)
LIST = (
    f"SELECT json_agg(d) FROM (SELECT {COLUMNS} FROM customers WHERE company_id = %s AND archived_at IS NULL"  # noqa: S608
    " ORDER BY created_at DESC, id DESC LIMIT 50) d"
)
ONE = f"SELECT row_to_json(d) FROM (SELECT {COLUMNS} FROM customers WHERE company_id = %s AND id = %s) d"  # noqa: S608
GIVEN = ("name", "email", "phone", "city", "country", "customer_type", "priority", "notes")
CREATE = (
    f"WITH d AS (INSERT INTO customers (company_id, created_by, customer_code, {', '.join(GIVEN)})"  # noqa: S608
    f" VALUES (%s, %s, %s, {', '.join(['%s'] * len(GIVEN))}) RETURNING {COLUMNS}) SELECT row_to_json(d), id FROM d"
)


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """`/<company>` the newest 50, `/<company>/<id>` one of them, POST to `/<company>` a new one."""
    parts = environ["PATH_INFO"].split("/")
    company_id = int(parts[1])
    status = "200 OK"
    if environ["REQUEST_METHOD"] == "POST":
        status = "201 Created"
        body = _create(company_id, orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
    elif len(parts) == 3:
        body = fetch(ONE, (company_id, int(parts[2])))
    else:
        data = fetch(LIST, (company_id,))
        body = b'{"data":%s,"page":{"next_cursor":null,"has_more":true}}' % data
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _create(company_id: int, given: dict[str, Any]) -> bytes:
    connection = connect()
    event_id = str(uuid.uuid4())
    values = [given.get(name) for name in GIVEN]
    with connection.transaction():
        row = connection.execute(
            CREATE, (company_id, (company_id - 1) * 5 + 1, f"F{event_id}", *values), prepare=True
        ).fetchone()
        assert row is not None
        document: bytes
        document, record_id = row
        event = b'{"specversion":"1.0","id":"%s","source":"customers","data":{"before":null,"after":%s,"changed":[]}}'
        connection.execute(
            RECORD,
            (
                event_id,
                company_id,
                "customers",
                record_id,
                1,
                "crm.customer.created.v1",
                f"{company_id}.customer.created.v1",
                event_id,
                event % (event_id.encode(), document),
                datetime.now(UTC),
            ),
            prepare=True,
        )
    return document
