"""What operators do to the customers service. Run as `python -m customers.operators`."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import psycopg

from chassis.config import Settings, SettingsError, exit_with
from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.errors import Unavailable
from chassis.events import new_id
from chassis.neighbours import PAUSE_SECONDS, Neighbour, Records
from customers.commands.company_references import repair_company
from customers.commands.user_references import deactivate_unknown, repair_member
from customers.queries.references import list_companies, list_users

USAGE = """usage: python -m customers.operators <command>

  resync   make what is kept of companies and users what identity knows (as the owner)"""
TRY_LATER = 75  # sysexits.h: EX_TEMPFAIL
PAGE = 200
ATTEMPTS = 5
# A page takes longer than one record, and nobody waits for it.
ANSWER_SECONDS = 10.0

Known = TypeVar("Known")
Answer = TypeVar("Answer")
Page = list[tuple[int, Known | None, dict[str, Any] | None]]


@dataclass
class Summary:
    """How far a resync has come."""

    companies: int = 0
    companies_changed: int = 0
    seen: int = 0
    changed: int = 0
    deactivated: int = 0

    def __str__(self) -> str:
        return (
            f"{self.companies} companies, {self.companies_changed} changed · {self.seen} users seen, "
            f"{self.changed} changed, {self.deactivated} deactivated"
        )


def pages(
    kept: Callable[[int], Mapping[int, Known]], told: Callable[[int], Records], *, key: str, size: int
) -> Iterator[Page[Known]]:
    """What is kept beside what identity tells, in the order of their ids, a page of each in memory at a time.

    What is kept is read before identity is asked: whatever identity does not know then, it had not told of either.
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
    """Rebuilds the references to companies and users. It may be stopped anywhere and run again, also beside itself, and
    events may come meanwhile: each row is written only over the state that was read before identity was asked, or over
    an older one. `database` is the owner's: no other role sees which tenants there are.
    """

    def __init__(
        self, database: Database, identity: Neighbour, report: Callable[[Summary], None], *, size: int = PAGE
    ) -> None:
        self._database = database
        self._identity = identity
        self._report = report
        self._size = size
        self._summary = Summary()

    def run(self) -> Summary:
        """Go through all tenants. Raises Unavailable when identity stays silent, psycopg.Error."""
        told = partial(self._ask, "/internal/companies")
        for page in pages(partial(self._kept, list_companies), told, key="id", size=self._size):
            for company_id, version, company in page:
                with acting_as(Context(company_id=company_id, request_id=new_id())):
                    if company is not None:
                        self._summary.companies += 1
                        changed = self._write(partial(repair_company, company=company, seen=version))
                        self._summary.companies_changed += changed
                    self._users(company_id)
            self._report(self._summary)
        return self._summary

    def _users(self, company_id: int) -> None:
        told = partial(self._ask, f"/internal/members/{company_id}")
        for page in pages(partial(self._kept, list_users), told, key="user_id", size=self._size):
            seen, changed, deactivated = self._write(partial(_reconcile, page=page))
            self._summary.seen += seen
            self._summary.changed += changed
            self._summary.deactivated += deactivated

    def _kept(self, read: Callable[[Session, int, int], Answer], after: int) -> Answer:
        with self._database.session() as session:
            return read(session, after, self._size)

    def _ask(self, path: str, after: int) -> Records:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._identity.records(path, {"after": after, "limit": self._size})
            except Unavailable:
                time.sleep(PAUSE_SECONDS)
        return self._identity.records(path, {"after": after, "limit": self._size})

    def _write(self, change: Callable[[Session], Answer]) -> Answer:
        """Run `change` in a transaction, again when somebody assigns customers to the same users for long."""
        for _ in range(ATTEMPTS - 1):
            try:
                with self._database.transaction() as session:
                    return change(session)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                continue
        with self._database.transaction() as session:
            return change(session)


def _reconcile(session: Session, page: Page[tuple[int, int]]) -> tuple[int, int, int]:
    """Write a page of users; answers how many identity knows, how many changed and how many were deactivated."""
    seen = changed = deactivated = 0
    for user_id, kept, member in page:
        if member is not None:
            seen += 1
            changed += repair_member(session, member, kept)
        elif kept is not None:
            deactivated += deactivate_unknown(session, user_id, kept)
    return seen, changed, deactivated


def main(arguments: list[str]) -> None:
    """Run one command; leaves with 75 and a sentence when identity does not answer."""
    if arguments != ["resync"]:
        raise SystemExit(USAGE)
    try:
        settings = Settings.from_environment(required=("owner_database_url", "service_urls", "service_key"))
        identity = _identity(settings)
    except SettingsError as error:
        exit_with(error)
    database = Database(settings.owner_database_url, application_name="customers-operators")
    began = time.monotonic()
    try:
        summary = Resync(database, identity, lambda summary: _say(f"… {summary}")).run()
    except Unavailable:
        sys.stderr.write("identity does not answer; what is done stays done, run it again later.\n")
        raise SystemExit(TRY_LATER) from None
    finally:
        database.dispose()
    _say(f"done in {time.monotonic() - began:.1f} s: {summary}")


def _identity(settings: Settings) -> Neighbour:
    url = settings.service_url("identity")
    if url is None:
        raise SettingsError(["SERVICE_URLS does not say where identity is"])
    return Neighbour("identity", url, settings.service_key, seconds=ANSWER_SECONDS)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
