"""The floor of deals: a list, a board and a move, as `bench.floor` has the questions of customers."""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from bench.floor_connection import RECORD, connect, fetch
from pipeline.views import DEAL

StartResponse = Callable[[str, list[tuple[str, str]]], object]

_TEXT_COLUMNS = {"deal_value": "d.deal_value::text", "close_rate": "d.close_rate::text"}
COLUMNS = ", ".join(_TEXT_COLUMNS.get(name, f"d.{name}") for name in DEAL.columns)
LIST = (
    f"SELECT json_agg(d) FROM (SELECT {COLUMNS} FROM deals d WHERE company_id = %s AND archived_at IS NULL"  # noqa: S608
    " ORDER BY created_at DESC, id DESC LIMIT 50) d"
)
BOARD = (
    "SELECT json_agg(json_build_object('stage', row_to_json(s), 'cards', c.cards) ORDER BY s.order_index)"  # noqa: S608
    f" FROM deal_stages s, LATERAL (SELECT json_agg(d) AS cards FROM (SELECT {COLUMNS} FROM deals d"
    " WHERE d.company_id = s.company_id AND d.stage_id = s.id AND d.archived_at IS NULL"
    " ORDER BY d.position, d.id LIMIT 20) d) c WHERE s.company_id = %s"
)
MOVE = (
    "WITH d AS (UPDATE deals d SET stage_id = s.id, stage = s.code, probability = s.probability,"  # noqa: S608
    " position = (SELECT t.position FROM deals t WHERE t.company_id = s.company_id AND t.stage_id = s.id"
    " AND t.archived_at IS NULL ORDER BY t.position, t.id LIMIT 1) - 1048576,"
    " stage_entered_at = now(), updated_at = now(), version = d.version + 1"
    f" FROM deal_stages s WHERE d.company_id = %s AND d.id = %s AND s.id = %s RETURNING {COLUMNS})"
    " SELECT row_to_json(d), d.version FROM d"
)
LEAVE = "UPDATE stage_history SET left_at = now() WHERE company_id = %s AND deal_id = %s AND left_at IS NULL"
ENTER = (
    "INSERT INTO stage_history (company_id, deal_id, pipeline_id, to_stage_id, to_code, to_name, to_kind, currency,"
    " status) SELECT s.company_id, %s, s.pipeline_id, s.id, s.code, s.name, s.kind, 'USD', s.kind"
    " FROM deal_stages s WHERE s.id = %s"
)


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """`/<company>` the newest 50, `/<company>/board` the board, POST to `/<company>/<id>` moves one."""
    parts = environ["PATH_INFO"].split("/")
    company_id = int(parts[1])
    if environ["REQUEST_METHOD"] == "POST":
        given = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        body = _move(company_id, int(parts[2]), given["stage_id"])
    elif len(parts) == 3:
        body = b'{"columns":%s}' % fetch(BOARD, (company_id,))
    else:
        body = b'{"data":%s,"page":{"next_cursor":null,"has_more":true}}' % fetch(LIST, (company_id,))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _move(company_id: int, deal_id: int, stage_id: int) -> bytes:
    connection = connect()
    event_id = str(uuid.uuid4())
    with connection.transaction():
        connection.execute(LEAVE, (company_id, deal_id), prepare=True)
        row = connection.execute(MOVE, (company_id, deal_id, stage_id), prepare=True).fetchone()
        assert row is not None
        document: bytes
        document, version = row
        connection.execute(ENTER, (deal_id, stage_id), prepare=True)
        event = b'{"specversion":"1.0","id":"%s","source":"pipeline","data":{"before":null,"after":%s,"changed":[]}}'
        key = f"{company_id}.deal.stage_changed.v1"
        connection.execute(
            RECORD,
            (
                event_id,
                company_id,
                "deals",
                deal_id,
                version,
                "crm.deal.stage_changed.v1",
                key,
                event_id,
                event % (event_id.encode(), document),
                datetime.now(UTC),
            ),
            prepare=True,
        )
    return document
