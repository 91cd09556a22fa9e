"""The questions of customers, each twice: with a token for the gateway and bare for the floor."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg

from bench.data import TENANTS, user_of

SAMPLED_IDS = 20_000
NEW_CUSTOMER = {
    "name": "Bench Customer #########",
    "email": "bench@customers.example",
    "phone": "+49 30 1234567",
    "city": "Berlin",
    "country": "Germany",
    "customer_type": "business",
    "priority": "high",
    "notes": "Met at the fair; wants an offer for 200 seats until the end of the month.",
}


@dataclass(frozen=True)
class Question:
    """A question with the ratio to the floor that it must reach, and its two files for rotate.lua."""

    name: str
    target: float
    ours: Path
    floor: Path
    service: str


def write(folder: Path, url: str, sign: Callable[[int, int], str]) -> list[Question]:
    """Write the questions' files; `sign` makes a token of (company, user), `url` is the customers database."""
    chance = random.Random(2)
    tokens = {company: sign(company, user_of(company)) for company in range(1, TENANTS + 1)}
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT company_id, id FROM customers TABLESAMPLE SYSTEM (20) REPEATABLE (1)")
        ids = chance.sample(found := rows.fetchall(), min(SAMPLED_IDS, len(found)))
    companies = chance.sample(range(1, TENANTS + 1), TENANTS)
    body = orjson.dumps(NEW_CUSTOMER).decode()
    return [
        write_question(
            folder,
            "list of 50",
            0.45,
            [("GET", "/v1/customers?limit=50&sort=-created_at", tokens[company], "-") for company in companies],
            [("GET", f"/{company}", "-", "-") for company in companies],
        ),
        # The floor answers plainly: what compression costs is part of the ratio.
        write_question(
            folder,
            "list of 50 as gzip",
            0.35,
            [("GET", "/v1/customers?limit=50&sort=-created_at", tokens[company], "-", "gzip") for company in companies],
            [("GET", f"/{company}", "-", "-") for company in companies],
        ),
        write_question(
            folder,
            "get one",
            0.3,
            [("GET", f"/v1/customers/{number}", tokens[company], "-") for company, number in ids],
            [("GET", f"/{company}/{number}", "-", "-") for company, number in ids],
        ),
        write_question(
            folder,
            "create",
            0.4,
            [("POST", "/v1/customers", tokens[company], body) for company in companies],
            [("POST", f"/{company}", "-", body) for company in companies],
        ),
    ]


def write_question(
    folder: Path,
    name: str,
    target: float,
    ours: Sequence[tuple[str, ...]],
    floor: Sequence[tuple[str, ...]],
    *,
    service: str = "customers",
) -> Question:
    """Write the two files of a question; they are asked of a service and of its floor."""
    stem = name.replace(" ", "-")
    question = Question(name, target, folder / f"{stem}.ours", folder / f"{stem}.floor", service)
    for path, lines in ((question.ours, ours), (question.floor, floor)):
        path.write_text("".join("\t".join(line) + "\n" for line in lines))
    return question
