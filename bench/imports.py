"""`python -m bench.imports`: how many rows a second become customers with their events, and in how much memory."""

import argparse
import csv
import io
import multiprocessing
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Event as Flag
from typing import Any

import orjson
import psycopg

from bench import machine
from bench.size_data import FIRST, LAST
from chassis import logging
from chassis.context import Context, acting_as
from chassis.db.records import Record
from chassis.db.session import Database, Session
from chassis.testing.databases import create_database
from crm.sandbox import running
from customers import handlers
from customers.commands.imports import IMPORTS
from imports.engine import commands
from imports.engine.definition import Imports

ROWS, MANY, FEW = 50_000, 400_000, 20_000
ROUNDS = 5
TARGET = 5_000
# What the worker's memory may grow by from a small file to one of twenty times its size, in MiB.
MOST_GROWTH = 32
_PART = 1_000_000
_COLUMNS = (
    *("Code", "Name", "E-Mail", "Phone", "City", "Country"),
    *("Type", "Industry", "Company", "Status", "Priority", "Tags"),
)


@dataclass(frozen=True)
class Figures:
    """Of one import: rows a second validated and run, and the most memory that the worker has held, in MiB."""

    validated: float
    run: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, to see that it works")
    parser.add_argument("--rows", type=int, help="import one file of so many rows and nothing else")
    options = parser.parse_args()
    share = 10 if options.quick else 1
    logging.configure("bench", "error")
    with running(broker=False) as sandbox:
        server = sandbox.postgres()
        assert server is not None
        if options.rows:
            _show(f"{options.rows:,} rows", _measure(server.url(), options.rows))
            return
        rounds = []
        for number in range(1, ROUNDS + 1):
            rounds.append(_measure(server.url(), ROWS // share))
            _show(f"{ROWS // share:,} rows, round {number}", rounds[-1])
        few, many = (_measure(server.url(), rows // share) for rows in (FEW, MANY))
        _show(f"{FEW // share:,} rows", few)
        _show(f"{MANY // share:,} rows", many)
        facts = machine.describe(server.url())
    run = statistics.median(figures.run for figures in rounds)
    growth = many.memory - few.memory
    print(f"\n{facts['CPU']}, PostgreSQL {facts['PostgreSQL']}")
    print(f"run, median of {ROUNDS}: {run:,.0f} rows/s ({_verdict(run >= TARGET)}, target {TARGET:,})")
    print(f"memory: {growth:+.0f} MiB for {MANY // FEW} times the rows ({_verdict(growth <= MOST_GROWTH)})")
    sys.exit(0 if run >= TARGET and growth <= MOST_GROWTH else 1)


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _show(what: str, figures: Figures) -> None:
    memory = f"worker's memory {figures.memory:.0f} MiB"
    print(f"{what}: validated {figures.validated:,.0f} rows/s, run {figures.run:,.0f} rows/s, {memory}", flush=True)


def _measure(postgres_url: str, rows: int) -> Figures:
    """Import one file into a company of its own in a database of its own, by a worker in a process of its own."""
    urls = create_database(postgres_url, "customers")
    client = _Client(Database(urls.app))
    client.upload(rows)
    seconds = {}
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=_work, args=(urls.app, theirs))
    worker.start()
    for step in (commands.validate_import, commands.start_import):
        client.call(step)
        ours.send(True)
        seconds[step] = ours.recv()
    ours.send(False)
    memory = ours.recv()
    worker.join()
    done = orjson.loads(client.call(_get).json)
    with psycopg.connect(urls.superuser) as connection:
        events = connection.execute("SELECT count(*) FROM outbox WHERE aggregate_type = 'customers'").fetchone()
    assert done["created_rows"] == rows, done
    assert events == (rows,)
    client.database.dispose()
    return Figures(rows / seconds[commands.validate_import], rows / seconds[commands.start_import], memory / 1024)


def _get(imports: Imports, session: Session, import_id: int) -> Record:
    return imports.records.get(session, import_id)


class _Client:
    """Calls use cases as one user of one company."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._context = Context(company_id=1, user_id=7, request_id="bench")
        with acting_as(self._context), database.transaction() as session:
            self._import = commands.create_import(IMPORTS, session, {"filename": "bench.csv", "mode": "create"})

    def call(self, use_case: Any, *arguments: Any) -> Any:
        with acting_as(self._context), self.database.transaction() as session:
            return use_case(IMPORTS, session, self._import.id, *arguments)

    def upload(self, rows: int) -> None:
        part, number = b"", 0
        for line in _file(rows):
            part += line
            if len(part) > _PART - 1000:
                number += 1
                self.call(commands.put_part, number, part)
                part = b""
        self.call(commands.put_part, number + 1, part)
        self.call(commands.finish_upload, number + 1)


def _file(rows: int) -> Iterator[bytes]:
    chance = random.Random(1)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for number in range(rows):
        first, last, company = chance.choice(FIRST), chance.choice(LAST), chance.choice(LAST)
        row = (
            f"X-{number:07}",
            f"{first} {last} {number}",
            f"mail{number}@company{number % 1000}.example",
            f"+49 30 {number:07}",
            chance.choice(("Berlin", "Bonn", "Köln")),
            "Germany",
            "business",
            "Technology",
            f"{company} {number % 5000} GmbH",
            "active",
            "medium",
            "vip;pilot" if number % 3 == 0 else "",
        )
        writer.writerow(row)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _work(url: str, parent: Connection) -> None:
    """The worker's process: does what there is when it is told to, says how long it took, and at the end its memory."""
    logging.configure("bench", "error")
    database = Database(url)
    while parent.recv():
        began = time.perf_counter()
        handlers.work_on_imports(database, Flag())
        parent.send(time.perf_counter() - began)
    parent.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
