"""What is done to a chunk of an import's rows: validated and run, each with its errors and its outcome kept."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import orjson
import psycopg

from chassis.db.session import Session
from imports.cells import Cells
from imports.engine.batches import apply_rows
from imports.engine.definition import Imports
from imports.engine.jobs import Job, StoppedError
from imports.engine.lifecycle import RUNNING
from imports.engine.target import RowOptions, Target
from imports.rows import Fault, Outcome, Reader, ReadRow
from imports.seen import Seen

_TRIES = 3

# A plan that was made while a table was empty, those of foreign keys above all, takes any index that begins with the
# tenant, and reads all rows of the tenant for each new one until the table is analysed.
_ANALYZED = (1, 4, 16)  # The chunks before which that is asked for, while the table is young.


def read_chunk(imports: Imports, session: Session, job: Job, number: int, reader: Reader) -> list[ReadRow] | None:
    """The rows of a chunk as values with their matching keys; None after the last.

    What is run was validated with the same options before, and is taken as it was read then.
    """
    chunks = imports.store.chunks
    if job.state == RUNNING and (checked := chunks.get_checked(session, job.id, number)) is not None:
        return [ReadRow.of(row) for row in checked]
    chunk = chunks.get(session, job.id, number)
    if chunk is None:
        return None
    rows = []
    for line, cells in chunk[0]:
        row = reader(line, cells)
        if not row.faults:
            job.target.add_keys(row, job.around)
        rows.append(row)
    return rows


def validate_chunk(
    imports: Imports,
    session: Session,
    job: Job,
    number: int,
    rows: Sequence[ReadRow],
    *,
    several: bool,
    told: Any = None,
) -> None:
    """Keep what is wrong with the rows, as far as can be told without changing anything.

    Where there are `several` chunks, what these rows would do is kept for those of the others.
    """
    imports.jobs.hold(session, job, number)
    checked = zlib.compress(orjson.dumps(rows), 1)
    options = replace(job.row_options, told=told)
    if several:
        options = replace(options, seen=_seen_before(imports, session, job, rows, options))
    outcome = apply_rows(session, job.target, rows, options)
    if several:
        imports.store.seen.put(session, job.id, options.seen.new)
    keep_errors(imports, session, job, number, [*outcome.faults, *_warnings(rows)], anew=True)
    imports.store.chunks.keep_validated(session, job.id, number, drawn=outcome.codes, checked=checked)
    imports.jobs.count(session, job, counts(outcome))
    imports.jobs.reach(session, job, number + 1)


def _seen_before(imports: Imports, session: Session, job: Job, rows: Sequence[ReadRow], options: RowOptions) -> Seen:
    """What the chunks before have left by what rows of this one could meet it by."""
    seen = Seen(partial(imports.store.seen.find, session, job.id))
    seen.load(job.target.lookups(session, rows, options))
    return seen


def _warnings(rows: Sequence[ReadRow]) -> list[Fault]:
    # Rows that were tried several times have said the same several times.
    return list(dict.fromkeys(warning for row in rows for warning in row.warnings))


def run_chunk(
    imports: Imports,
    session: Session,
    job: Job,
    number: int,
    rows: Sequence[ReadRow],
    *,
    codes: range,
    told: Any = None,
) -> Outcome:
    """Create and change the records of the rows, and keep what became of them; new ones get these numbers.

    Raises StoppedError where another worker has run the chunk.
    """
    session.begin()
    if not imports.store.chunks.claim(session, job.id, number):
        raise StoppedError
    if number in _ANALYZED:
        job.target.analyze(session)
    outcome = _applied(session, job, replace(job.row_options, told=told), rows, codes)
    keep_errors(imports, session, job, number, [*outcome.faults, *_warnings(rows)])
    kept: dict[str, Any] = {"created": outcome.created, "updated": outcome.updated}
    if outcome.beside_created or outcome.beside_updated:
        kept["beside"] = {"created": outcome.beside_created, "updated": outcome.beside_updated}
    imports.store.chunks.keep_outcome(session, job.id, number, kept)
    return outcome


def _applied(session: Session, job: Job, options: RowOptions, rows: Sequence[ReadRow], codes: range) -> Outcome:
    """Once more where somebody took a code or a name between the look and the write: the second look sees it.

    What is refused even then is looked for in halves, so that it is those rows alone that fail.
    """
    for _ in range(_TRIES - 1):
        if (outcome := _attempt(session, job, options, rows, codes)) is not None:
            return outcome
    return _in_halves(session, job, options, rows, codes)


def _in_halves(session: Session, job: Job, options: RowOptions, rows: Sequence[ReadRow], codes: range) -> Outcome:
    if (outcome := _attempt(session, job, options, rows, codes)) is not None:
        return outcome
    if len(rows) == 1:
        outcome = Outcome()
        detail = f"The row cannot stand beside what is stored, such as a {job.target.noun} of the same name or code."
        outcome.refuse(rows[0], Fault(rows[0].line, None, "conflict", detail))
        return outcome
    half = len(rows) // 2
    first = _in_halves(session, job, options, rows[:half], codes)
    # Those numbers are left whose rows were not created.
    return first + _in_halves(session, job, options, rows[half:], codes[first.codes :])


def _attempt(session: Session, job: Job, options: RowOptions, rows: Sequence[ReadRow], codes: range) -> Outcome | None:
    """What became of the rows; None where the database has refused one of them, so that nothing was done."""
    try:
        with session.savepoint():
            return apply_rows(session, job.target, rows, replace(options, draw=_from(codes, job.target)))
    except psycopg.IntegrityError:
        return None


def _from(codes: range, target: Target) -> Callable[[Session, int], list[int]]:
    """Draws from the numbers that were put aside, and the next ones where more are needed than was thought."""
    left = iter(codes)

    def draw(session: Session, wanted: int) -> list[int]:
        own = list(islice(left, wanted))
        return [*own, *target.draw_numbers(session, wanted - len(own))]

    return draw


def keep_errors(
    imports: Imports, session: Session, job: Job, number: int, faults: Sequence[Fault], *, anew: bool = False
) -> None:
    """Keep what is wrong with a chunk's rows in the place of what was found before."""
    column_of = Cells(job.columns, job.mapping, job.target.catalogue).column_of
    rows = (
        {
            "line": fault.line,
            "column_name": column_of(fault.field) if fault.field else None,
            "code": fault.code,
            "message": fault.message,
            # PostgreSQL stores no NUL, and the cell may be refused for just that.
            "value": fault.value and fault.value.replace("\x00", "\ufffd"),
            "severity": fault.severity,
        }
        for fault in faults
    )
    imports.store.errors.replace(session, job.id, number, rows, anew=anew)


def counts(outcome: Outcome) -> dict[str, int]:
    """What became of rows, as the import's columns count it."""
    # A row may have made two records.
    created = {made[0] for made in (*outcome.created, *outcome.beside_created)}
    numbers = {
        "created_rows": len(created),
        "updated_rows": len(outcome.updated) + len(outcome.beside_updated),
        "unchanged_rows": outcome.unchanged,
        "failed_rows": outcome.failed,
    }
    return numbers | {"processed_rows": sum(numbers.values()), "duplicate_rows": outcome.duplicates}
