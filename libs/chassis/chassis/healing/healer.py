"""Making a restored service and what the world has heard of it agree again; nothing of the service runs meanwhile."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import orjson
import psycopg
from sqlalchemy import text

from chassis.context import Context, acting_as
from chassis.db import outbox
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared
from chassis.events import EventType, new_id
from chassis.healing import sequences
from chassis.healing.kinds import Kind
from chassis.healing.known import Known

Keep = Literal["restored", "latest"]
Missing = Literal["recreate", "remove"]
_BATCH = 500
# What one record's statement may fail of: that another record is in its way, or that it cannot be made from what it
# shows. Anything else is a fault.
_IN_THE_WAY = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException)
_WITHDRAW_LETTERS = Prepared(
    text("UPDATE mails SET status = 'withdrawn', body = NULL, updated_at = now() WHERE status = 'pending'")
)
_IS_TOLD = Prepared(
    text(
        "SELECT 1 FROM outbox WHERE aggregate_type = :of_table AND aggregate_id = :of_id AND aggregate_version > :after"
    )
)


@dataclass
class Healed:
    """What was done: how many of each kind, and what could not be."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    left: list[tuple[Known, str]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """A line for each kind, and one for each record that is left."""
        for table in dict.fromkeys(table for table, _ in self.counts):
            told = ", ".join(f"{count} {what}" for (of, what), count in self.counts.items() if of == table)
            yield f"{table}: {told}"
        for known, reason in self.left:
            yield f"left: {known.table}/{known.record_id} of company {known.company_id}: {reason}"


class Healer:
    """Goes through what the audit log knows that the restored database does not.

    For each record that has changed since the backup:

    - It was removed since: it is removed again. What somebody had deleted does not come back with a backup.
    - It was made since: it is made again from what was told of it, or (`missing="remove"`) its removal is told.
    - It was changed since: with `keep="restored"` it stays as the backup has it, with "latest" it becomes what was told
      last. Kinds without an `updated` event tell of what happened, such as a reminder that was sent or a conversion
      that was completed. No backup undoes that, so these always become what was told last.

    Whatever stays gets a version above all that anybody has seen, and an event with its whole state, so that
    neighbours and clients hold it for the newest. Running it again changes nothing more, but draws ids higher still.
    `database` is the owner's.
    """

    def __init__(
        self,
        database: Database,
        source: str,
        kinds: Mapping[str, Kind],
        *,
        keep: Keep = "restored",
        missing: Missing = "recreate",
    ) -> None:
        self._database = database
        self._source = source
        self._kinds = kinds
        self._keep = keep
        self._missing = missing
        self._order = {table: place for place, table in enumerate(kinds)}
        self._request = f"heal-{new_id()}"
        self._healed = Healed()
        self._highest: dict[str, int] = {}

    def run(self, known: Iterable[Known]) -> Healed:
        """Heal all of `known`. Raises psycopg.Error; then run it again."""
        waiting: list[tuple[Known, str]] = []
        lines = iter(known)
        while batch := list(islice(lines, _BATCH)):
            for each in batch:
                self._highest[each.table] = max(self._highest.get(each.table, 0), each.record_id)
            waiting += self._heal(batch)
        # What was in the way may be gone, or there, by now.
        while waiting:
            still = self._heal([each for each, _ in waiting])
            if len(still) == len(waiting):
                break
            waiting = still
        self._healed.left = waiting
        with self._database.transaction() as session:
            self._healed.counts["sequences", "moved on"] += sequences.move_on(session, self._highest)
            if self._has_letters:
                # What waited when the backup was made has left since.
                self._healed.counts["mails", "withdrawn"] += session.run(_WITHDRAW_LETTERS)
        return self._healed

    @property
    def _has_letters(self) -> bool:
        return any("mails" in kind.table.metadata.tables for kind in self._kinds.values())

    def _heal(self, batch: Sequence[Known]) -> list[tuple[Known, str]]:
        """Heal these in one transaction; answer those that something was in the way of, with the reason."""
        failed = []
        ordered = sorted(
            (each for each in batch if each.table in self._kinds),
            key=lambda each: (each.removed, self._order[each.table], each.record_id),
        )
        counts: Counter[tuple[str, str]] = Counter()
        with self._database.transaction() as session:
            there = self._states(session, ordered)
            for each in ordered:
                step = self._step(each, there.get((each.table, each.record_id)))
                if step is None:
                    continue
                what, heal = step
                try:
                    with (
                        acting_as(Context(company_id=each.company_id, request_id=self._request)),
                        session.savepoint(),
                    ):
                        heal(session, self._kinds[each.table], each)
                except _IN_THE_WAY as error:
                    failed.append((each, str(error).splitlines()[0]))
                else:
                    counts[each.table, what] += 1
        self._healed.counts += counts
        return failed

    def _states(self, session: Session, batch: Sequence[Known]) -> dict[tuple[str, int], int]:
        """The versions of those of the records that are there."""
        session.begin()
        found: dict[tuple[str, int], int] = {}
        for table in dict.fromkeys(each.table for each in batch):
            ids = [each.record_id for each in batch if each.table == table]
            found |= {
                (table, number): version for number, version in session.fetch(self._kinds[table].states, of_ids=ids)
            }
        return found

    def _step(self, known: Known, version: int | None) -> tuple[str, Callable[[Session, Kind, Known], None]] | None:
        """What is to be done about a record that is there at this version, or not; None where all is well."""
        if known.removed:
            return None if version is None else ("removed again", _remove_again)
        kind = self._kinds[known.table]
        if version is None:
            if self._missing == "remove" and kind.removal is not None:
                return "told as removed", self._tell_removal
            return "made again", self._make_again
        if version >= known.version:
            return None
        if self._keep == "latest" or kind.updated is None:
            return "brought up to date", self._bring_up
        return "kept as restored", self._keep_restored

    def _make_again(self, session: Session, kind: Kind, known: Known) -> None:
        values = kind.completed(session, known.document)
        _write(session, kind.insert, known, values | kind.initial)
        self._tell(session, kind, known)

    def _bring_up(self, session: Session, kind: Kind, known: Known) -> None:
        values = kind.completed(session, known.document)
        _write(session, kind.update, known, values)
        self._tell(session, kind, known)

    def _keep_restored(self, session: Session, kind: Kind, known: Known) -> None:
        session.run(kind.touch, of_id=known.record_id, new_version=known.version + 1)
        self._tell(session, kind, known)

    def _tell(self, session: Session, kind: Kind, known: Known) -> None:
        document, _, version = session.fetch(kind.document, of_id=known.record_id)[0]
        self._record(session, kind.told_by(known.type), known, version, document)

    def _tell_removal(self, session: Session, kind: Kind, known: Known) -> None:
        assert kind.removal is not None
        if session.fetch(_IS_TOLD, of_table=known.table, of_id=known.record_id, after=known.version):
            return  # By a run before this one.
        self._record(session, kind.removal, known, known.version + 1, None)

    def _record(self, session: Session, event_type: EventType, known: Known, version: int, after: bytes | None) -> None:
        outbox.record(
            session,
            event_type,
            source=self._source,
            record_id=known.record_id,
            version=version,
            before=orjson.dumps(known.document),
            after=after,
        )


def _write(
    session: Session, statement: Callable[[Sequence[str]], object], known: Known, values: Mapping[str, object]
) -> None:
    prepared = statement(tuple(values))
    # Times and the like are as the document has them: PostgreSQL reads them as it wrote them.
    session.run(prepared, document=dict(values), of_id=known.record_id, new_version=known.version + 1)  # type: ignore[arg-type]


def _remove_again(session: Session, kind: Kind, known: Known) -> None:
    session.run(kind.delete, of_id=known.record_id)
