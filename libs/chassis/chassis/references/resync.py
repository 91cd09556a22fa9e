"""Making what a service keeps of other services' records what their owners know: what an operator runs after a loss."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import psycopg
from sqlalchemy import BigInteger, Integer, bindparam, select, union

from chassis.config import Settings, SettingsError, exit_with
from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Unavailable
from chassis.events import new_id
from chassis.references.companies import CompanyReference
from chassis.references.listening import AnyReference
from chassis.references.reference import Guard, Reference
from chassis.references.users import UserReference
from chassis.service_client import PAUSE_SECONDS, Records, ServiceClient

TRY_LATER = 75  # sysexits.h: EX_TEMPFAIL
PAGE = 200
ATTEMPTS = 5
# A page takes longer than one record, and nobody waits for it.
ANSWER_SECONDS = 10.0

_MOST = bindparam("most", type_=Integer)
_AFTER = bindparam("after", type_=BigInteger)

Answer = TypeVar("Answer")
Page = list[tuple[int, Guard | None, dict[str, Any] | None]]
Remove = Callable[[Session, int, int], None]


class Summary(Counter[tuple[str, str]]):
    """How far a resync has come: how many of each kind were seen, changed, deactivated, removed or left unknown."""

    def __str__(self) -> str:
        kinds = dict.fromkeys(kind for kind, _ in self)
        return " · ".join(
            f"{kind}: " + ", ".join(f"{count} {what}" for (of_kind, what), count in self.items() if of_kind == kind)
            for kind in kinds
        )


def pages(
    kept: Callable[[int], Mapping[int, Guard | None]], told: Callable[[int], Records], *, key: str, size: int
) -> Iterator[Page]:
    """What is kept beside what its owner tells, in the order of their ids, a page of each in memory at a time.

    What is kept is read before the owner is asked: whatever the owner does not know then, it had not told of either.
    """
    after: int | None = 0
    while after is not None:
        here = kept(after)
        answer = told(after)
        there = {document[key]: document for document in answer.data}
        # Behind the end of a page that has a successor nothing is known of the other side.
        ends = [max(here)] if len(here) >= size else []
        ends += [] if answer.next is None else [answer.next]
        after = min(ends, default=None)
        ids = sorted(number for number in here.keys() | there.keys() if after is None or number <= after)
        yield [(number, here.get(number), there.get(number)) for number in ids]


class Resync:
    """Rebuilds all references of a service.

    It may be stopped anywhere and run again, also beside itself, and events may come meanwhile: each row is written
    only over the state that was read before its owner was asked, or over an older one. `database` is the owner's: no
    other role sees which tenants there are.

    What its owner does not know is left as it is, but for users, who get no more work. With `remove` it is taken for
    purged; `removers` say by kind what that means where it is more than forgetting it.
    """

    def __init__(
        self,
        database: Database,
        clients: Mapping[str, ServiceClient],
        references: Sequence[AnyReference],
        report: Callable[[Summary], None],
        *,
        removers: Mapping[str, Remove] | None = None,
        remove: bool = False,
        size: int = PAGE,
    ) -> None:
        (self._company,) = (each for each in references if isinstance(each, CompanyReference))
        self._records = [each for each in references if isinstance(each, Reference)]
        self._database = database
        self._clients = clients
        self._report = report
        self._removers = removers or {}
        self._remove = remove
        self._size = size
        self._companies = _companies(self._company, self._records)
        self._kept_of = {reference.kind: _kept(reference) for reference in self._records}
        self._summary = Summary()

    def run(self) -> Summary:
        """Go through all tenants. Raises Unavailable when an owner stays silent, psycopg.Error."""
        company = self._company
        told = partial(self._ask, company.owner, company.path)
        for page in pages(self._companies_after, told, key=company.document_id, size=self._size):
            for company_id, seen, document in page:
                with acting_as(Context(company_id=company_id, request_id=new_id())):
                    if document is not None:
                        changed = self._write(partial(company.repair, company=document, seen=seen))
                        self._count(company.kind, seen=1, changed=changed)
                    for reference in self._records:
                        self._resync(reference, company_id)
            self._report(self._summary)
        return self._summary

    def _resync(self, reference: Reference, company_id: int) -> None:
        told = partial(self._ask, reference.owner, reference.path.format(company_id=company_id))
        kept = partial(self._references_after, self._kept_of[reference.kind])
        for page in pages(kept, told, key=reference.document_id, size=self._size):
            self._count(reference.kind, **self._write(partial(self._reconcile, reference, page)))

    def _reconcile(self, reference: Reference, page: Page, session: Session) -> Counter[str]:
        left = "deactivated" if isinstance(reference, UserReference) else "removed" if self._remove else "unknown"
        counts = Counter({"seen": 0, "changed": 0, left: 0})
        for number, seen, document in page:
            if document is not None:
                counts["seen"] += 1
                counts["changed"] += reference.repair(session, document, seen)
            elif seen is None:
                continue
            elif isinstance(reference, UserReference):
                counts["deactivated"] += reference.deactivate(session, number, seen)
            elif not self._remove:
                counts["unknown"] += 1
            elif reference.is_as(session, number, seen):
                self._removers.get(reference.kind, reference.remove)(session, number, seen[-1])
                counts["removed"] += 1
        return counts

    def _companies_after(self, after: int) -> dict[int, Guard | None]:
        with self._database.session() as session:
            rows = session.fetch(self._companies, after=after, most=self._size)
        return {row[0]: None if row[1] is None else (row[1],) for row in rows}

    def _references_after(self, statement: Prepared, after: int) -> dict[int, Guard | None]:
        with self._database.session() as session:
            return {row[0]: tuple(row[1:]) for row in session.fetch(statement, after=after, most=self._size)}

    def _ask(self, owner: str, path: str, after: int) -> Records:
        client, query = self._clients[owner], {"after": after, "limit": self._size}
        for _ in range(ATTEMPTS - 1):
            try:
                return client.records(path, query)
            except Unavailable:
                time.sleep(PAUSE_SECONDS)
        return client.records(path, query)

    def _write(self, change: Callable[[Session], Answer]) -> Answer:
        """Run `change` in a transaction, again when somebody works with the same records for long."""
        for _ in range(ATTEMPTS - 1):
            try:
                with self._database.transaction() as session:
                    return change(session)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                continue
        with self._database.transaction() as session:
            return change(session)

    def _count(self, kind: str, **counts: int) -> None:
        for what, count in counts.items():
            self._summary[kind, what] += count


def _companies(company: CompanyReference, references: Sequence[Reference]) -> Prepared:
    """The next companies of which anything is kept, each with the version that is known of it.

    Across tenants, and so for the owner alone: row-level security hides from any other role all companies but one.
    """
    tables = [company.table, *(reference.table for reference in references)]
    named = union(
        *(
            select(
                select(table.c.company_id)
                .distinct()
                .where(table.c.company_id > _AFTER)
                .order_by(table.c.company_id)
                .limit(_MOST)
                .subquery()
                .c.company_id
            )
            for table in tables
        )
    ).subquery()
    kept = company.table
    return Prepared(
        select(named.c.company_id, kept.c.version)
        .outerjoin_from(named, kept, kept.c.company_id == named.c.company_id)
        .order_by(named.c.company_id)
        .limit(_MOST)
    )


def _kept(reference: Reference) -> Prepared:
    """The next references of the tenant, each with its guard."""
    table, key = reference.table, reference.table.c[reference.key]
    guard = (table.c[name] for name in reference.guard)
    return Prepared(select(key, *guard).where(of_tenant(table), key > _AFTER).order_by(key).limit(_MOST))


def main(
    service: str,
    references: Sequence[AnyReference],
    arguments: Sequence[str],
    *,
    removers: Mapping[str, Remove] | None = None,
) -> None:
    """The command of an operator; leaves with 75 and a sentence when an owner does not answer."""
    if list(arguments) not in (["resync"], ["resync", "--remove"]):
        raise SystemExit(_usage(service, references))
    try:
        settings = Settings.from_environment(required=("owner_database_url", "service_urls", "service_key"))
        clients = {owner: _client(settings, owner) for owner in dict.fromkeys(each.owner for each in references)}
    except SettingsError as error:
        exit_with(error)
    database = Database(settings.owner_database_url, application_name=f"{service}-operators")
    began = time.monotonic()
    try:
        summary = Resync(
            database,
            clients,
            references,
            lambda summary: _say(f"… {summary}"),
            removers=removers,
            remove="--remove" in arguments,
        ).run()
    except Unavailable as error:
        sys.stderr.write(f"{error.detail} What is done stays done, run it again later.\n")
        raise SystemExit(TRY_LATER) from None
    finally:
        database.dispose()
    _say(f"done in {time.monotonic() - began:.1f} s: {summary}")


def _usage(service: str, references: Sequence[AnyReference]) -> str:
    kinds = ", ".join(f"{each.kind} ({each.owner})" for each in references)
    return (
        f"usage: python -m {service}.operators resync [--remove]\n\n"
        f"  Makes what is kept what its owners know: {kinds}.\n"
        "  --remove   takes for purged what its owner does not know; without it that is counted and left\n"
        "             (a user whom identity does not know gets no more work either way)"
    )


def _client(settings: Settings, owner: str) -> ServiceClient:
    url = settings.service_url(owner)
    if url is None:
        raise SettingsError([f"SERVICE_URLS does not say where {owner} is"])
    return ServiceClient(owner, url, settings.service_key, seconds=ANSWER_SECONDS)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
