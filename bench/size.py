"""`python -m bench.size`: whether requests cost as much among a million customers, deals or tasks as among few."""

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import psycopg

from bench import machine
from bench.size_customers import CUSTOMERS
from bench.size_deals import DEALS
from bench.size_report import Bounded, Compared, SizeReport
from bench.size_subject import Ask, Change, Subject
from bench.size_tasks import TASKS
from chassis import logging
from chassis.db.session import Database
from chassis.service import load
from chassis.testing.databases import DatabaseUrls
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication
from crm.sandbox import running

SMALL, TENANT, TENANTS = 1_000, 10_000, 100
_NONE: Mapping[str, str] = {}
SUBJECTS = {subject.name: subject for subject in (CUSTOMERS, DEALS, TASKS)}


@dataclass(frozen=True)
class Place:
    """A tenant in a database, the application on it, and what its rows give to ask for."""

    application: ServiceApplication
    token: str
    own_token: str
    rows: list[dict[str, Any]]

    def ask(self, path: str, *, own: bool = False) -> float:
        """Milliseconds that the application takes to answer; the network and the client are no part of it."""
        return self._send("GET", path, b"", self.own_token if own else self.token)

    def change(self, change: Change, row: dict[str, Any]) -> float:
        """The same of a request that changes something."""
        headers = {"HTTP_IF_MATCH": f'"{row["version"]}"'} if change.method == "PATCH" else {}
        return self._send(change.method, change.path(row), orjson.dumps(change.body(row)), self.token, headers)

    def _send(self, method: str, path: str, body: bytes, token: str, headers: Mapping[str, str] = _NONE) -> float:
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "bench",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json" if body else "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            **headers,
        }
        statuses: list[str] = []
        began = time.perf_counter()
        answer = b"".join(self.application.wsgi_app(environ, lambda status, _, __=None: statuses.append(status)))
        took = time.perf_counter() - began
        if not statuses[0].startswith("2"):
            raise SystemExit(f"{method} {path}?{query}: {statuses[0]} {answer[:300]!r}")
        return took * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.size", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="three tenants in place of a hundred, to see that it works"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the figures into this page of the documentation"
    )
    parser.add_argument("--only", choices=sorted(SUBJECTS), help="of these alone")
    options = parser.parse_args()
    subjects = [SUBJECTS[options.only]] if options.only else list(SUBJECTS.values())
    reached = True
    for subject in subjects:
        report = _measure(subject, quick=options.quick)
        print(report.text())
        if options.write:
            report.put_into(options.write)
        reached = reached and report.reached
    sys.exit(0 if reached else 1)


def _measure(subject: Subject, *, quick: bool) -> SizeReport:
    tenants = 3 if quick else TENANTS
    began = time.monotonic()

    def say(step: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {subject.name}: {step}", file=sys.stderr, flush=True)

    with running(broker=False) as sandbox:
        server = sandbox.postgres()
        assert server is not None
        small = subject.create(server.url(), {1: SMALL}, say)
        alone = subject.create(server.url(), {1: TENANT}, say)
        sizes = dict.fromkeys(range(1, tenants + 1), TENANT) | {tenants + 1: SMALL}
        if subject.large:
            sizes[tenants + 2] = subject.large // 10 if quick else subject.large
        big = subject.create(server.url(), sizes, say)
        say("asking")
        _share_a_core(big.superuser)
        compared, bounded = measure(subject, (small, alone, big), tenants, rounds=15 if quick else 60)
        return SizeReport(subject, machine.describe(big.superuser), sum(sizes.values()), len(sizes), compared, bounded)


def _share_a_core(postgres_url: str) -> None:
    """Keep this process and the server's new connections on one core, as no two of them ever work at a time.

    On several, the scheduler puts some connections beside the client and others not, and to wake up another core takes
    half as long as the whole of a short request: ratios between connections would tell of that.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    with psycopg.connect(postgres_url) as connection:
        [(server,)] = connection.execute("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int").fetchall()
    core = {max(os.sched_getaffinity(0))}
    for process in (server, 0):
        os.sched_setaffinity(process, core)


def measure(
    subject: Subject, urls: tuple[DatabaseUrls, DatabaseUrls, DatabaseUrls], tenants: int, *, rounds: int
) -> tuple[list[Compared], list[Bounded]]:
    """Ask everything in turn of the four: a thousand and ten thousand rows, alone and among the others' rows."""
    logging.configure("bench", "error")
    tokens = TokenFactory()
    small, alone, big = urls
    with tempfile.NamedTemporaryFile(suffix=".json") as keys:
        Path(keys.name).write_bytes(orjson.dumps(tokens.jwks))
        uri = Path(keys.name).as_uri()
        applications = [_application(subject, database, uri) for database in urls]
        try:
            asked = Asked(
                subject,
                [
                    _place(subject, applications[0], small, tokens, 1),
                    _place(subject, applications[2], big, tokens, tenants + 1),
                    _place(subject, applications[1], alone, tokens, 1),
                    _place(subject, applications[2], big, tokens, tenants // 2 + 1),
                ],
            )
            nouns = f"/v1/{subject.name}"
            found = [asked.compare("get one", rounds, lambda row: f"{nouns}/{row['id']}")]
            found += [asked.compare(name, rounds, _listed(nouns, ask)) for name, ask in subject.lists.items()]
            found += [asked.compare(name, rounds, _listed(nouns, ask), own=True) for name, ask in subject.own.items()]
            found += [asked.compare(name, rounds, ask) for name, ask in subject.paths.items()]
            found += [asked.compare(name, rounds // 3, ask, held=False) for name, ask in subject.reported.items()]
            found += [asked.compare_change(name, rounds, change) for name, change in subject.changes.items()]
            bounded = []
            if subject.large:
                large = _place(subject, applications[2], big, tokens, tenants + 2)
                bounded = [
                    Bounded(name, statistics.median(large.ask(bound.path) for _ in range(7)), bound.most)
                    for name, bound in subject.bounds.items()
                ]
        finally:
            for application in applications:
                application.database.dispose()
    return found, bounded


def _listed(nouns: str, ask: Ask) -> Ask:
    """The path of a list's question."""
    return lambda row: f"{nouns}?{ask(row)}"


@dataclass(frozen=True)
class Asked:
    """The places that are asked in turn."""

    subject: Subject
    places: list[Place]

    def compare(self, name: str, rounds: int, path: Ask, *, own: bool = False, held: bool = True) -> Compared:
        """The medians of a question."""
        return self._take(name, rounds, lambda place, row: place.ask(path(row), own=own), held=held)

    def compare_change(self, name: str, rounds: int, change: Change) -> Compared:
        """The medians of a change, each time of another record."""
        return self._take(name, rounds, lambda place, row: place.change(change, row), held=True)

    def _take(self, name: str, rounds: int, run: Callable[[Place, dict[str, Any]], float], *, held: bool) -> Compared:
        taken: list[list[float]] = [[] for _ in self.places]
        for number in range(rounds + 3):
            for place, times in zip(self.places, taken, strict=True):
                took = run(place, place.rows[number % len(place.rows)])
                if number >= 3:  # The first ones prepare the statement and warm the caches.
                    times.append(took)
        return Compared(name, [statistics.median(times) for times in taken], self.subject.target, held)


def _application(subject: Subject, urls: DatabaseUrls, jwks_url: str) -> ServiceApplication:
    service = load(subject.service)
    settings = service.settings(database_url=urls.app, jwks_url=jwks_url, cursor_secret="c" * 32)  # For nobody else.
    return ServiceApplication(service, settings, Database(settings.database_url))


def _place(
    subject: Subject, application: ServiceApplication, urls: DatabaseUrls, tokens: TokenFactory, tenant: int
) -> Place:
    user = subject.user_of(tenant)

    def sign(scope: str) -> str:
        return tokens.sign(company_id=tenant, sub=str(user), scope=scope)

    with psycopg.connect(urls.superuser) as connection:
        rows = connection.execute(subject.rows, (tenant,)).fetchall()
    client = application.test_client()
    headers = {"Authorization": f"Bearer {sign(subject.scope)}"}

    def page_of(query: str) -> dict[str, Any]:
        answer = orjson.loads(client.get(f"/v1/{subject.name}?limit=100&{query}", headers=headers).data)
        return cast(dict[str, Any], answer["page"])

    cursors = {}
    for name, sort in subject.sorts.items():
        page = page_of(f"include=total&sort={sort}")
        for _ in range(page["total"] // 200 - 1):
            page = page_of(f"sort={sort}&cursor={page['next_cursor']}")
        cursors[name] = page["next_cursor"]
    given = [dict(zip(subject.columns, row, strict=True)) | cursors | {"user": user} for row in rows]
    return Place(application, sign(subject.scope), sign(subject.own_scope), given)


if __name__ == "__main__":
    main()
