"""Keys by which records are recognised, made anew for the records that there are: an operator's command."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, func, select, update

from chassis.context import Context, acting_as
from chassis.db.owner import owner_database
from chassis.db.records import Records
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared, of_tenant
from chassis.events import EventType, new_id

COMMAND = "rekey"
PAGE = 200


@dataclass(frozen=True, eq=False)
class Keyed:
    """A kind of record with keys: `made` makes the columns `keys` from those in `given`.

    Keys that the record shows are changed with its event `changed`; the others change nothing that anybody sees.
    """

    records: Records
    changed: EventType
    given: Sequence[str]
    keys: Sequence[str]
    made: Callable[[Session, dict[str, Any]], Mapping[str, Any]]


class Rekeying:
    """Makes the keys of all records of these kinds anew, a page to a transaction, in the order of companies and ids.

    It may be stopped anywhere and run again, also beside the service: what is as it should be is not written, and each
    record is read under its lock. `database` is the owner's: no other role sees which tenants there are. `then` goes on
    in a company of which keys have changed.
    """

    def __init__(
        self,
        database: Database,
        kinds: Sequence[Keyed],
        say: Callable[[str], object],
        *,
        then: Callable[[Session], None] | None = None,
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._say = say
        self._then = then

    def run(self, first_company: int = 0) -> int:
        """Go through all companies from this one on, and say of each how far that is; answers how many changed."""
        total = 0
        for company_id in self._companies(first_company):
            with acting_as(Context(company_id=company_id, request_id=new_id())):
                done = {kind.records.view.name: self._rekey(kind) for kind in self._kinds}
                changed = sum(each for _, each in done.values())
                if changed and self._then is not None:
                    with self._database.transaction() as session:
                        self._then(session)
            counts = ", ".join(f"{name} {each} of {seen} made anew" for name, (seen, each) in done.items())
            self._say(f"company {company_id}: {counts}")
            total += changed
        return total

    def _companies(self, first: int) -> list[int]:
        found: set[int] = set()
        with self._database.session() as session:
            for kind in self._kinds:
                # One look at the primary key for each company, however many records it has.
                company = kind.records.view.table.c.company_id
                following = Prepared(select(func.min(company)).where(company > bindparam("after", type_=BigInteger)))
                after: int | None = first - 1
                while after is not None:
                    [(after,)] = session.fetch(following, after=after)
                    found |= set() if after is None else {after}
        return sorted(found)

    def _rekey(self, kind: Keyed) -> tuple[int, int]:
        """How many records were seen, and how many got other keys."""
        table = kind.records.view.table
        page = Prepared(
            select(table.c.id, *(table.c[name] for name in (*kind.given, *kind.keys)))
            .where(of_tenant(table), table.c.id > bindparam("after", type_=BigInteger))
            .order_by(table.c.id)
            .limit(bindparam("most", type_=Integer))
            .with_for_update(key_share=True)
        )
        seen = changed = after = 0
        while True:
            with self._database.transaction() as session:
                rows = session.fetch(page, after=after, most=PAGE)
                for record_id, *values in rows:
                    given = dict(zip(kind.given, values[: len(kind.given)], strict=True))
                    kept = dict(zip(kind.keys, values[len(kind.given) :], strict=True))
                    made = kind.made(session, given)
                    others = {name: made[name] for name in kind.keys if made[name] != kept[name]}
                    changed += bool(others)
                    self._write(session, kind, record_id, others)
            seen += len(rows)
            if len(rows) < PAGE:
                return seen, changed
            after = rows[-1][0]

    def _write(self, session: Session, kind: Keyed, record_id: int, keys: Mapping[str, Any]) -> None:
        if any(name in kind.records.view.columns for name in keys):
            before = kind.records.get(session, record_id, lock=True)
            kind.records.change(session, kind.changed, before, keys)
        elif keys:
            table = kind.records.view.table
            values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in sorted(keys)}
            this = table.c.id == bindparam("of_id", type_=BigInteger)
            statement = Prepared(update(table).where(of_tenant(table), this).values(values))
            session.run(statement, of_id=record_id, **{f"new_{name}": value for name, value in keys.items()})


def main(
    source: str, kinds: Sequence[Keyed], arguments: Sequence[str], *, then: Callable[[Session], None] | None = None
) -> None:
    """Make the keys anew, and say on standard output how far that is."""
    parser = argparse.ArgumentParser(prog=f"python -m {source}.operators {COMMAND}", description=__doc__)
    parser.add_argument("--company", type=int, default=1, help="go on with this company, and those behind it")
    options = parser.parse_args(arguments)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    with owner_database(source) as database:
        changed = Rekeying(database, kinds, say, then=then).run(options.company)
    say(f"{changed} records have other keys now")
