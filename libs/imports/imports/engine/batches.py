"""The rows of an import as records: found, checked against what is there, created and changed, many at a time.

Rows take effect as if they came one after the other. So a batch ends before a row that could meet one of the batch: one
of the same record, or one that shares with it what the target says is unique.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chassis.db.bulk import lock_many
from chassis.db.session import Session
from imports.engine.above import Above
from imports.engine.lifecycle import CREATE, UPDATE
from imports.engine.target import Change, Known, RowOptions, Target
from imports.rows import Fault, Outcome, ReadRow


def apply_rows(session: Session, target: Target, rows: Sequence[ReadRow], options: RowOptions) -> Outcome:
    """Create and change the records that rows are about, each with its event; without `options.writes` only look."""
    composed = target.apply(session, rows, options)
    return apply_to_records(session, target, rows, options) if composed is None else composed


def apply_to_records(session: Session, target: Target, rows: Sequence[ReadRow], options: RowOptions) -> Outcome:
    """The same of rows that are each about one record of one kind."""
    if options.writes:
        target.lock(session, options)
    outcome = Outcome()
    for batch in _batches(target, rows, options):
        _Batch(session, target, options, outcome).apply(batch)
    return outcome


def _batches(target: Target, rows: Iterable[ReadRow], options: RowOptions) -> Iterator[list[ReadRow]]:
    batch: list[ReadRow] = []
    taken: set[object] = set()
    for row in rows:
        keys = set() if row.faults else set(target.keys_of_row(row, options))
        if taken & keys:
            yield batch
            batch, taken = [], set()
        batch.append(row)
        taken |= keys
    if batch:
        yield batch


class _Batch:
    """Rows that cannot meet one another."""

    def __init__(self, session: Session, target: Target, options: RowOptions, outcome: Outcome) -> None:
        self._session = session
        self._target = target
        self._options = options
        self._outcome = outcome
        self._above = Above(options.seen)
        self._code = target.noun.replace(" ", "_")

    def apply(self, rows: Sequence[ReadRow]) -> None:
        unsettled = self._target.settle(self._session, rows, self._options)
        good = []
        for row in rows:
            faults = [*row.faults, *unsettled.get(row.line, ())]
            if faults and self._options.mode == CREATE:
                # All in one go: also what would be found only of a row that is good otherwise.
                faults += row.late
                lacking = self._target.lacking(row)
                if lacking is not None and not {lacking.field, None} & {fault.field for fault in faults}:
                    faults.append(lacking)
            if faults:
                self._outcome.refuse(row, *faults)
            else:
                good.append(row)
        new, known = self._told_apart(good)
        self._change(known)
        for row in new:
            row.becomes_new()
        self._create(self._creatable(new))

    def _told_apart(self, rows: Sequence[ReadRow]) -> tuple[list[ReadRow], list[tuple[ReadRow, Known]]]:
        """The rows of new records, and those of known ones with these, locked."""
        target, match_by, above = self._target, self._options.match_by, self._above
        if self._options.mode == CREATE or match_by is None:
            return list(rows), []
        keys = {row.line: target.key_of(row.values, match_by) for row in rows}
        matches = target.find(self._session, match_by, set(keys.values()))
        new: list[ReadRow] = []
        ids: dict[int, ReadRow] = {}
        for row in rows:
            key = keys[row.line]
            hits = above.find(key, matches.get(key, ()))
            if (fault := self._mismatch(row, match_by, hits, ids)) is not None:
                self._outcome.refuse(row, fault)
            elif hits:
                ids[hits[0][0]] = row
            else:
                new.append(row)
        return new, self._known(ids, match_by)

    def _known(self, ids: Mapping[int, ReadRow], match_by: str) -> list[tuple[ReadRow, Known]]:
        """The rows of records that are stored, locked, or that rows above would make."""
        stored = [one for one in ids if one > 0]
        records = lock_many(self._session, self._target.records, stored, lock=self._options.writes)
        self._above.load(ids)
        known = []
        for record_id, row in ids.items():
            changed, record = self._above.values(record_id), records.get(record_id)
            if record_id < 0:
                known.append((row, Known(record_id, 0, {**self._target.blank, **changed})))
            elif record is None or record.document["archived_at"] is not None:
                detail = f"The {self._target.noun} was archived or removed meanwhile."
                self._outcome.refuse(row, Fault(row.line, match_by, f"{self._code}_archived", detail))
            else:
                known.append((row, Known(record.id, record.version, {**record.document, **changed}, record)))
        return known

    def _mismatch(
        self, row: ReadRow, match_by: str, hits: Sequence[tuple[int, bool]], ids: Mapping[int, ReadRow]
    ) -> Fault | None:
        """Why a row is about none of the records that were found for it."""
        given, noun = str(row.values.get(match_by, "")), self._target.noun
        if len(hits) > 1:
            detail = f"{len(hits)} {noun}s have this; find them by something else."
            return Fault(row.line, match_by, "ambiguous_match", detail, given)
        if hits and hits[0][1]:
            detail = f"The {noun} is archived, or merged into another one."
            return Fault(row.line, match_by, f"{self._code}_archived", detail, given)
        if hits and hits[0][0] in ids:
            detail = f"Line {ids[hits[0][0]].line} is about the same {noun}."
            return Fault(row.line, match_by, "conflict", detail, given)
        if not hits and (self._options.mode == UPDATE or match_by == "id"):
            return Fault(row.line, match_by, f"{self._code}_not_found", f"There is no such {noun}.", given)
        return None

    def _change(self, known: Sequence[tuple[ReadRow, Known]]) -> None:
        target = self._target
        changes = [Change(row, record, target.differing(row.values, record.document)) for row, record in known]
        refused = target.refuse_changes(self._session, changes, self._options)
        passed = []
        for change in changes:
            if faults := refused.get(change.row.line):
                self._outcome.refuse(change.row, *faults)
            elif not change.values:
                self._outcome.unchanged += 1
            else:
                passed.append(change)
        versions = {change.known.id: change.known.version for change in passed}
        if self._options.writes:
            versions |= target.change(self._session, passed, self._options)
        for change in passed:
            row, record = change.row, change.known
            fields = {name: [record.document[name], value] for name, value in change.values.items()}
            self._outcome.updated.append((row.line, record.id, versions[record.id], fields))
        if not self._options.writes:
            self._leave([], passed)

    def _leave(self, rows: Sequence[ReadRow], changes: Sequence[Change]) -> None:
        """Leave for the rows below what new rows and changes would do."""
        target, match_by = self._target, self._options.match_by
        target.leave(self._options, rows, changes)
        if self._options.mode == CREATE or match_by is None:
            return
        moves: list[tuple[int, Mapping[str, Any], list[Any], list[Any]]] = [
            (-row.line, row.values, [], target.keys_left(row.values, match_by)) for row in rows
        ]
        for change in changes:
            document, known = change.known.document, change.known.id
            after = {**document, **change.values}
            found_by = target.keys_left(after, match_by) if known < 0 or target.is_shown(after) else []
            moves.append((known, change.values, target.keys_left(document, match_by), found_by))
        self._above.load_keys(key for _, _, *found_by in moves for keys in found_by for key in keys)
        for record_id, values, before, found_by in moves:
            self._above.leave(record_id, values)
            self._above.move(record_id, before, found_by)

    def _creatable(self, rows: Sequence[ReadRow]) -> list[ReadRow]:
        for row in rows:
            if (lacking := self._target.lacking(row)) is not None:
                row.faults.append(lacking)
        refused = self._target.refuse_new(self._session, rows, self._options, self._outcome)
        good = []
        for row in rows:
            if faults := [*row.faults, *refused.get(row.line, ())]:
                self._outcome.refuse(row, *faults)
            else:
                good.append(row)
        return good

    def _create(self, rows: Sequence[ReadRow]) -> None:
        if not rows:
            return
        self._outcome.codes += self._target.wanted_numbers(rows)
        if not self._options.writes:
            self._outcome.created += [(row.line, 0, 0) for row in rows]
            self._leave(rows, [])
            return
        created = self._target.insert(self._session, rows, self._options)
        self._outcome.created += [(row.line, *known) for row, known in zip(rows, created, strict=True)]
