"""`python -m bench.size`: whether list, search and get cost as much among a million customers as among a thousand."""

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
from urllib.parse import urlencode

import orjson
import psycopg

from bench import machine, size_data
from bench.size_report import Compared, SizeReport
from chassis import logging
from chassis.db.session import Database
from chassis.service import load
from chassis.testing.databases import DatabaseUrls
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication
from crm.sandbox import running

SMALL, TENANT, TENANTS = 1_000, 10_000, 100
# What is asked for: a word that the tenant's own rows give, or one that is the same everywhere.
Ask = Callable[[dict[str, Any]], str]
QUESTIONS: Mapping[str, Ask] = {
    "list, first page": lambda _: "",
    "list, page in the middle": lambda row: f"cursor={row['cursor']}",
    "list, sort=name": lambda _: "sort=name",
    "list, sort=name, in the middle": lambda row: f"sort=name&cursor={row['name_cursor']}",
    "list, sort=-updated_at": lambda _: "sort=-updated_at",
    "list, sort=company_name": lambda _: "sort=company_name",
    "list, sort=company_name, in the middle": lambda row: f"sort=company_name&cursor={row['company_cursor']}",
    "list, sort=-status": lambda _: "sort=-status",
    "list, sort=city": lambda _: "sort=city",
    "list, tag": lambda _: "tag=vip",
    "list, status": lambda _: "status=lost",
    "list, type": lambda _: "customer_type=business",
    "list, industry": lambda _: "industry=Retail",
    # Of a thousand customers some thirty are of one city or are archived, and 17 have a part of a name: a page of
    # fewer is full in each of the four.
    "list, city": lambda row: urlencode({"city": row["city"], "limit": 20}),
    "list, country": lambda _: "country=Japan",
    "list, source": lambda _: "source=fair",
    "list, priority": lambda _: "priority=high",
    "list, assignee": lambda row: f"assigned_to={row['user']}",
    "list, creator": lambda row: f"created_by={row['user']}",
    "list, created since": lambda row: urlencode({"created_at[gte]": row["created_at"]}),
    "list, archived": lambda _: "archived_at[is_null]=false&limit=20",
    "list, code": lambda row: f"customer_code={row['customer_code']}",
    "list, e-mail": lambda row: urlencode({"email": row["email"]}),
    "list, phone": lambda row: urlencode({"phone": row["phone"]}),
    "list, name": lambda row: urlencode({"name": row["name"]}),
    "list, part of a name": lambda _: urlencode({"name[contains]": "müll", "limit": 10}),
    "list, common part of a name": lambda _: urlencode({"name[contains]": "son", "limit": 20}),
    "list, part of few names, more e-mails": lambda _: urlencode({"name[contains]": "tin", "limit": 10}),
    "list, part of few names, many e-mails": lambda _: urlencode({"name[contains]": "web", "limit": 10}),
    "search, code": lambda row: f"q={row['customer_code']}",
    "search, beginning of a name": lambda row: urlencode({"q": row["name"][:-2]}),
    "search, without accents": lambda _: "q=zoe+muller",
    "search, typing error": lambda _: "q=ivanvoa+quentin",
    "search, e-mail": lambda row: urlencode({"q": row["email"]}),
    "search, phone": lambda row: urlencode({"q": row["phone"]}),
    "search, company": lambda row: urlencode({"q": row["company_name"]}),
    "search, a common name": lambda _: "q=weber",
    "search, part of nearly all": lambda _: "q=example",
    "search, nothing found": lambda _: "q=xylophonist",
}
OWN: Mapping[str, Ask] = {
    "own list, first page": lambda _: "",
    "own list, sort=name": lambda _: "sort=name",
    "own search, a common name": lambda _: "q=weber",
}
# As whole paths; they count all of a tenant's customers, and are held to nothing.
REPORTED: Mapping[str, Ask] = {
    "facets": lambda _: "/v1/customers/facets",
    "tags": lambda _: "/v1/customers/tags",
}


@dataclass(frozen=True)
class Place:
    """A tenant in a database, the application on it, and what its rows give to ask for."""

    application: ServiceApplication
    token: str
    own_token: str
    rows: list[dict[str, Any]]

    def ask(self, path: str, *, own: bool = False) -> float:
        """Milliseconds that the application takes to answer; the network and the client are no part of it."""
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "bench",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_AUTHORIZATION": f"Bearer {self.own_token if own else self.token}",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
        }
        statuses: list[str] = []
        began = time.perf_counter()
        body = b"".join(self.application.wsgi_app(environ, lambda status, _, __=None: statuses.append(status)))
        took = time.perf_counter() - began
        if not statuses[0].startswith("200"):
            raise SystemExit(f"{path}?{query}: {statuses[0]} {body[:300]!r}")
        return took * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.size", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="three tenants in place of a hundred, to see that it works"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the figures into this page of the documentation"
    )
    options = parser.parse_args()
    tenants = 3 if options.quick else TENANTS
    began = time.monotonic()

    def say(step: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {step}", file=sys.stderr, flush=True)

    with running(broker=False) as sandbox:
        server = sandbox.postgres()
        assert server is not None
        small = size_data.create(server.url(), {1: SMALL}, say)
        alone = size_data.create(server.url(), {1: TENANT}, say)
        sizes = dict.fromkeys(range(1, tenants + 1), TENANT) | {tenants + 1: SMALL}
        big = size_data.create(server.url(), sizes, say)
        say("asking")
        _share_a_core(big.superuser)
        compared = measure(small, alone, big, tenants, rounds=15 if options.quick else 60)
        report = SizeReport(machine.describe(big.superuser), sum(sizes.values()), tenants, compared)
    print(report.text())
    if options.write:
        report.put_into(options.write)
    sys.exit(0 if report.reached else 1)


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
    small: DatabaseUrls, alone: DatabaseUrls, big: DatabaseUrls, tenants: int, *, rounds: int
) -> list[Compared]:
    """Ask everything in turn of the four: a thousand and ten thousand rows, alone and among the others' rows."""
    logging.configure("bench", "error")
    tokens = TokenFactory()
    with tempfile.NamedTemporaryFile(suffix=".json") as keys:
        Path(keys.name).write_bytes(orjson.dumps(tokens.jwks))
        uri = Path(keys.name).as_uri()
        applications = [_application(urls, uri) for urls in (small, alone, big)]
        try:
            places = [
                _place(applications[0], small, tokens, 1),
                _place(applications[2], big, tokens, tenants + 1),
                _place(applications[1], alone, tokens, 1),
                _place(applications[2], big, tokens, tenants // 2 + 1),
            ]
            found = [_compare("get one", places, rounds, lambda row: f"/v1/customers/{row['id']}")]
            found += [_compare(name, places, rounds, _listed(ask)) for name, ask in QUESTIONS.items()]
            found += [_compare(name, places, rounds, _listed(ask), own=True) for name, ask in OWN.items()]
            found += [_compare(name, places, rounds // 3, ask, held=False) for name, ask in REPORTED.items()]
        finally:
            for application in applications:
                application.database.dispose()
    return found


def _listed(ask: Ask) -> Ask:
    """The path of a list's question."""
    return lambda row: f"/v1/customers?{ask(row)}"


def _compare(
    name: str, places: list[Place], rounds: int, path: Ask, *, own: bool = False, held: bool = True
) -> Compared:
    taken: list[list[float]] = [[] for _ in places]
    for number in range(rounds + 3):
        for place, times in zip(places, taken, strict=True):
            took = place.ask(path(place.rows[number % len(place.rows)]), own=own)
            if number >= 3:  # The first ones prepare the statement and warm the caches.
                times.append(took)
    return Compared(name, [statistics.median(times) for times in taken], held)


def _application(urls: DatabaseUrls, jwks_url: str) -> ServiceApplication:
    service = load("customers")
    settings = service.settings(database_url=urls.app, jwks_url=jwks_url, cursor_secret="c" * 32)  # For nobody else.
    return ServiceApplication(service, settings, Database(settings.database_url))


def _place(application: ServiceApplication, urls: DatabaseUrls, tokens: TokenFactory, tenant: int) -> Place:
    user = size_data.user_of(tenant)

    def sign(scope: str) -> str:
        return tokens.sign(company_id=tenant, sub=str(user), scope=scope)

    with psycopg.connect(urls.superuser) as connection:
        rows = connection.execute(
            "SELECT id, name, city, customer_code, email, phone, company_name, created_at::text FROM customers"
            " WHERE company_id = %s AND company_name IS NOT NULL AND archived_at IS NULL"
            " ORDER BY hashint8(id) LIMIT 40",
            (tenant,),
        ).fetchall()
    names = ("id", "name", "city", "customer_code", "email", "phone", "company_name", "created_at")
    client = application.test_client()
    headers = {"Authorization": f"Bearer {sign('customers:read')}"}

    def page_of(query: str) -> dict[str, Any]:
        answer = orjson.loads(client.get(f"/v1/customers?limit=100&{query}", headers=headers).data)
        return cast(dict[str, Any], answer["page"])

    cursors = {}
    for name, sort in (("cursor", "-created_at"), ("name_cursor", "name"), ("company_cursor", "company_name")):
        page = page_of(f"include=total&sort={sort}")
        for _ in range(page["total"] // 200 - 1):
            page = page_of(f"sort={sort}&cursor={page['next_cursor']}")
        cursors[name] = page["next_cursor"]
    given = [dict(zip(names, row, strict=True)) | cursors | {"user": user} for row in rows]
    return Place(application, sign("customers:read"), sign("customers:read:own"), given)


if __name__ == "__main__":
    main()
