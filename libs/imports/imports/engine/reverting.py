"""A revert: what rows made and changed is taken back, the last chunk first, as far as nobody else has changed it since.

A record may have been made by one row and changed by others, in this chunk and in those below. Its rows are undone in
the order opposite to that in which they took effect. What was set back gets a new version by that, so each chunk
leaves for those above it which of the import's own versions the record is back at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg

from chassis.db.bulk import lock_many
from chassis.db.records import Record
from chassis.db.session import Session
from imports.engine.definition import Imports
from imports.engine.jobs import Job
from imports.engine.target import Target
from imports.seen import Key, Seen


@dataclass(frozen=True, slots=True)
class _Step:
    """What a row did: the version that the record had then, and its changes; None where the row made the record."""

    line: int
    version: int
    changes: Mapping[str, Sequence[Any]] | None


@dataclass(slots=True)
class _Undoing:
    """What becomes of a record: it goes, or these values are set back; it then is what it was at a version before."""

    record: Record
    at: int
    gone: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    # Of its rows those that leave nothing behind, and those that do.
    back: set[int] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)


def revert_chunk(imports: Imports, session: Session, job: Job, number: int) -> None:
    """Delete the records that the chunk made and set back what it changed, where nobody else has since."""
    imports.jobs.hold(session, job, number + 1)
    chunk = imports.store.chunks.get(session, job.id, number)
    outcome = (chunk[1] if chunk is not None else None) or {}
    back, kept = _undo(imports, session, job, job.target, outcome)
    if job.target.beside is not None and "beside" in outcome:
        others = _undo(imports, session, job, job.target.beside, outcome["beside"])
        back, kept = back | others[0], kept | others[1]
    back -= kept
    imports.jobs.count(session, job, {"reverted_rows": len(back), "kept_rows": len(kept)})
    imports.jobs.reach(session, job, number)


def _undo(
    imports: Imports, session: Session, job: Job, target: Target, outcome: Mapping[str, Any]
) -> tuple[set[int], set[int]]:
    """Undo what rows did to records of a kind; answers the lines that nothing is left of, and those kept."""
    steps: dict[int, list[_Step]] = {}
    for line, known_id, version in outcome.get("created", ()):
        steps.setdefault(known_id, []).append(_Step(line, version, None))
    for line, known_id, version, changes in outcome.get("updated", ()):
        steps.setdefault(known_id, []).append(_Step(line, version, changes))
    # What was given to others meanwhile stays as it is to who sees no more than their own.
    locked = lock_many(session, target.records, steps, as_seen=True)
    made = [known_id for known_id, taken in steps.items() if any(step.changes is None for step in taken)]
    left = target.kept_for_others(session, made)
    seen = Seen(partial(imports.store.seen.find, session, job.id))
    seen.load(_key(target, known_id) for known_id in steps)
    undone, kept = [], set()
    for known_id, taken in steps.items():
        if known_id in locked:
            at = _version_of(locked[known_id], seen.get(*_key(target, known_id)))
            undone.append(_undoing(target, locked[known_id], at, taken, stays=known_id in left))
        else:
            kept |= {step.line for step in taken}
    back = set()
    for one, version in _written(session, target, job, undone):
        if version is None:
            one.kept, one.back = one.back | one.kept, set()
        if not one.gone:
            seen.put(*_key(target, one.record.id), entry=[version or one.record.version, one.at])
        back |= one.back
        kept |= one.kept
    imports.store.seen.put(session, job.id, seen.new)
    return back, kept


def _key(target: Target, known_id: int) -> Key:
    return "reverted", target.noun, known_id


def _version_of(record: Record, entry: Sequence[int] | None) -> int:
    """Which version the record is as it was at: its own, unless a chunk below has brought it back to another one."""
    return entry[1] if entry is not None and entry[0] == record.version else record.version


def _undoing(target: Target, record: Record, at: int, steps: Iterable[_Step], *, stays: bool) -> _Undoing:
    """What becomes of a record once the rows are undone, the last first."""
    undoing = _Undoing(record, at)
    document = dict(record.document)
    archived = document["archived_at"] is not None
    for step in sorted(steps, key=lambda step: step.version, reverse=True):
        untouched = undoing.at == step.version
        undoing.at -= untouched
        if step.changes is None:
            undoing.gone = untouched and not stays
            (undoing.back if undoing.gone else undoing.kept).add(step.line)
            continue
        # Fields that somebody else has changed stay, and so does what is archived.
        before = {
            name: before
            for name, (before, after) in step.changes.items()
            if not archived and target.is_same(name, document[name], after)
        }
        document |= before
        undoing.values |= before
        (undoing.back if before else undoing.kept).add(step.line)
    if undoing.gone:
        undoing.back, undoing.kept = undoing.back | undoing.kept, set()
    undoing.values = {name: value for name, value in undoing.values.items() if record.document[name] != value}
    return undoing


def _written(
    session: Session, target: Target, job: Job, undone: Sequence[_Undoing]
) -> list[tuple[_Undoing, int | None]]:
    """Delete and set back; answers each with the version that it has then, None where that could not be done."""
    target.records.delete_all(session, target.purged, [one.record for one in undone if one.gone])
    changed = [(one.record, one.values) for one in undone if one.values and not one.gone]
    versions = _give_back(session, target, target.set_back(session, changed, job.around))
    return [(one, one.record.version if one.gone or not one.values else versions.get(one.record.id)) for one in undone]


def _give_back(session: Session, target: Target, back: Sequence[tuple[Record, dict[str, Any]]]) -> dict[int, int]:
    """Set records back; answers the versions of those that were.

    Whose name somebody else has by now stays; who that is is looked for in halves.
    """
    try:
        with session.savepoint():
            after = target.write(session, back)
    except psycopg.IntegrityError:
        if len(back) == 1:
            return {}
        half = len(back) // 2
        return _give_back(session, target, back[:half]) | _give_back(session, target, back[half:])
    return {known_id: record.version for known_id, record in after.items()}
