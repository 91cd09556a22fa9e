"""The questions of deals: a list, a board, and moves over it."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import psycopg

from bench import data, size_deal_data
from bench.questions import Question, write_question

DEALS, TENANTS = 200_000, 100
# So many are moved on, and then back: who is moved twice is not moved while the first move is under way.
_TURN = 400
Line = tuple[str, str, str, str]


def load(url: str, *, deals: int, say: Callable[[str], None]) -> None:
    """Fill the empty pipeline database at `url`, of a superuser, and analyse it."""
    size_deal_data.fill(url, dict.fromkeys(range(1, TENANTS + 1), deals // TENANTS), say)
    with psycopg.connect(url, autocommit=True) as connection:
        data.make_floor_outbox(connection)


def write(folder: Path, url: str, sign: Callable[[int, int], str]) -> list[Question]:
    """Write the questions' files; `sign` makes a token of (company, user), `url` is the pipeline database."""
    chance = random.Random(3)
    tokens = {company: sign(company, size_deal_data.user_of(company)) for company in range(1, TENANTS + 1)}
    companies = chance.sample(range(1, TENANTS + 1), TENANTS)
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT d.company_id, d.id, d.stage_id, s.id FROM deals d JOIN deal_stages s ON s.company_id = d.company_id"
            " AND s.order_index = CASE d.stage WHEN 'negotiation' THEN 1 ELSE 5 END"
            " WHERE d.status = 'open' AND d.archived_at IS NULL ORDER BY hashint8(d.id) LIMIT 20000"
        ).fetchall()
    return [
        write_question(
            folder,
            "list of 50 deals",
            0.45,
            [("GET", "/v1/deals?limit=50&sort=-created_at", tokens[company], "-") for company in companies],
            [("GET", f"/{company}", "-", "-") for company in companies],
            service="pipeline",
        ),
        write_question(
            folder,
            "board of 7 x 20 deals",
            0.25,
            [("GET", "/v1/deals/board", tokens[company], "-") for company in companies],
            [("GET", f"/{company}/board", "-", "-") for company in companies],
            service="pipeline",
        ),
        write_question(
            folder,
            "move of a deal",
            0.4,
            list(_moves(rows, lambda company, deal, body: ("POST", f"/v1/deals/{deal}/move", tokens[company], body))),
            list(_moves(rows, lambda company, deal, body: ("POST", f"/{company}/{deal}", "-", body))),
            service="pipeline",
        ),
    ]


def _moves(rows: list[tuple[int, int, int, int]], line: Callable[[int, int, str], Line]) -> Iterator[Line]:
    for begin in range(0, len(rows), _TURN):
        turn = rows[begin : begin + _TURN]
        yield from (line(company, deal, _body(there)) for company, deal, _, there in turn)
        yield from (line(company, deal, _body(here)) for company, deal, here, _ in turn)


def _body(stage_id: int) -> str:
    return orjson.dumps({"stage_id": stage_id}).decode()
