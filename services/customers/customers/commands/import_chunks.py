"""What is done to a chunk of an import's rows: validated, run, reverted, each with its errors and its outcome kept."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson
import psycopg
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    any_,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.db.bulk import change_many, json_rows, lock_many
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.matching_keys import keys_of_name
from customers import rules
from customers.commands.import_jobs import Job, StoppedError, count, hold, reach
from customers.commands.import_rows import ImportOptions, apply_rows, conflict_keys, draw_codes
from customers.events import CUSTOMER_PURGED, CUSTOMER_UPDATED
from customers.models import USERS, contacts, import_chunks, import_errors, import_keys
from customers.queries.customers import RECORDS
from customers.queries.imports import get_checked, get_chunk
from customers.rules.duplicates import ALLOW
from customers.rules.import_fields import CATALOGUE
from customers.rules.importing import EMPTY, RUNNING
from customers.rules.keys import customer_keys
from imports.cells import Cells
from imports.rows import ERROR, Fault, Outcome, Reader, ReadRow
from imports.seen import Seen, hashes

_TRIES = 3
LIKELY = "possible_duplicate"
_CONFLICT = "The row cannot stand beside what is stored, such as a customer of the same name or code."

# A plan that was made while a table was empty, those of foreign keys above all, takes any index that begins with the
# tenant, and reads all rows of the tenant for each new one until the table is analysed.
_ANALYZE = Prepared(select(func.analyze_customers()), writes=True)
_ANALYZED = (1, 4, 16)  # The chunks before which that is asked for, while the table is young.

_IMPORT = bindparam("of_import", type_=BigInteger)
_CHUNK = bindparam("chunk", type_=Integer)
_FORGET_ERRORS = Prepared(
    delete(import_errors).where(
        of_tenant(import_errors),
        import_errors.c.import_id == _IMPORT,
        import_errors.c.chunk == _CHUNK,
        # What validation has found of likely duplicates stays.
        (import_errors.c.severity == ERROR) | (import_errors.c.code != LIKELY) | bindparam("all", type_=Boolean),
    )
)
_ERROR = ("line", "column_name", "code", "message", "value", "severity")
_errors = json_rows("v", *(column(name, import_errors.c[name].type) for name in _ERROR))
_ADD_ERRORS = Prepared(
    insert(import_errors).from_select(
        ["company_id", "import_id", "chunk", *_ERROR],
        select(TENANT, _IMPORT, _CHUNK, *(_errors.c[name] for name in _ERROR)),
    )
)
_THIS = (
    of_tenant(import_chunks),
    import_chunks.c.import_id == _IMPORT,
    import_chunks.c.number == _CHUNK,
)
_CLAIM = Prepared(select(import_chunks.c.size).where(*_THIS, import_chunks.c.outcome.is_(None)).with_for_update())
_KEEP_OUTCOME = Prepared(
    update(import_chunks).values(outcome=bindparam("kept", type_=LargeBinary), checked=null()).where(*_THIS)
)
_KEEP_VALIDATED = Prepared(
    update(import_chunks)
    .values(codes=bindparam("codes", type_=Integer), checked=bindparam("checked", type_=LargeBinary))
    .where(*_THIS)
)
# A look into the primary key for each: with `= ANY` PostgreSQL reads all keys of a young table for every chunk.
_asked = (
    func.unnest(bindparam("keys", type_=ARRAY(BigInteger)))
    .table_valued(column("key", BigInteger), name="asked")
    .render_derived(name="asked")
)
_left = (
    select(import_keys.c.entry)
    .where(of_tenant(import_keys), import_keys.c.import_id == _IMPORT, import_keys.c.key == _asked.c.key)
    .limit(literal_column("1"))
    .lateral("seen_before")
)
_SEEN = Prepared(select(_asked.c.key, _left.c.entry).join_from(_asked, _left, true()))
_entries = json_rows("v", column("key", BigInteger), column("entry", JSON))
_see = upsert(import_keys).from_select(
    ["company_id", "import_id", "key", "entry"], select(TENANT, _IMPORT, _entries.c.key, cast(_entries.c.entry, JSONB))
)
_SEE = Prepared(
    _see.on_conflict_do_update(index_elements=["company_id", "import_id", "key"], set_={"entry": _see.excluded.entry})
)
_FORGET_SEEN = Prepared(
    delete(import_keys).where(of_tenant(import_keys), import_keys.c.import_id == _IMPORT), writes=True
)
_WITH_CONTACTS = Prepared(
    select(contacts.c.customer_id)
    .where(of_tenant(contacts), contacts.c.customer_id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
    .distinct()
)


def read_chunk(session: Session, job: Job, number: int, reader: Reader) -> list[ReadRow] | None:
    """The rows of a chunk as values with their matching keys; None after the last.

    What is run was validated with the same options before, and is taken as it was read then.
    """
    if job.state == RUNNING and (checked := get_checked(session, job.id, number)) is not None:
        return [ReadRow.of(row) for row in checked]
    chunk = get_chunk(session, job.id, number)
    if chunk is None:
        return None
    rows = []
    for line, cells in chunk[0]:
        row = reader(line, cells)
        if not row.faults:
            row.keys = customer_keys(row.values, job.region)
            if row.new_values:
                row.new_keys = keys_of_name(
                    row.new_values["name"], firm=row.values.get("customer_type") == rules.CUSTOMER_TYPES[1]
                )
        rows.append(row)
    return rows


def validate_chunk(session: Session, job: Job, number: int, rows: Sequence[ReadRow], *, several: bool) -> None:
    """Keep what is wrong with the rows, as far as can be told without changing anything.

    Where there are `several` chunks, what these rows would do is kept for those of the others.
    """
    hold(session, job, number)
    checked = zlib.compress(orjson.dumps(rows), 1)
    options = options_of(job)
    if several:
        options = replace(options, seen=_seen_before(session, job, rows, options))
    outcome = apply_rows(session, rows, options)
    if several and options.seen.new:
        entries = [{"key": key, "entry": entry} for key, entry in options.seen.new.items()]
        session.run(_SEE, of_import=job.id, rows=orjson.dumps(entries).decode())
    keep_errors(session, job, number, [*outcome.faults, *_warnings(rows)], anew=True)
    validated = {"codes": outcome.codes, "checked": checked}
    session.run(_KEEP_VALIDATED, of_import=job.id, chunk=number, **validated)
    count(session, job, counts(outcome))
    reach(session, job, number + 1)


def _seen_before(session: Session, job: Job, rows: Sequence[ReadRow], options: ImportOptions) -> Seen:
    """What the chunks before have left by what rows of this one could meet it by."""
    keys = conflict_keys(rows, options)
    if job.duplicates != ALLOW:
        keys |= {key for row in rows for key in job.rules.telling(row.new_keys | row.keys).items()}
        keys |= {("name_two", name) for row in rows if (name := (row.new_keys | row.keys).get("name_two"))}
    return Seen(dict(session.fetch(_SEEN, of_import=job.id, keys=hashes(keys)))) if keys else Seen({})


def forget_seen(session: Session, import_id: int) -> None:
    """Delete what validation has kept of the rows for those below them."""
    session.run(_FORGET_SEEN, of_import=import_id)


def _warnings(rows: Sequence[ReadRow]) -> list[Fault]:
    # Rows that were tried several times have said the same several times.
    return list(dict.fromkeys(warning for row in rows for warning in row.warnings))


def options_of(job: Job) -> ImportOptions:
    """How the rows of an import become customers, looked at and not written."""
    empties = job.options["on_unknown"] == EMPTY
    return ImportOptions(job.mode, job.match_by, job.duplicates, empties, job.rules)


def run_chunk(session: Session, job: Job, number: int, rows: Sequence[ReadRow], codes: range) -> Outcome:
    """Create and change the customers of the rows, and keep what became of them; new ones get these codes.

    Raises StoppedError where another worker has run the chunk.
    """
    session.connection()
    if not session.fetch(_CLAIM, of_import=job.id, chunk=number):
        raise StoppedError
    if number in _ANALYZED:
        session.fetch(_ANALYZE)
    outcome = _applied(session, job, rows, codes)
    keep_errors(session, job, number, [*outcome.faults, *_warnings(rows)])
    kept = zlib.compress(orjson.dumps({"created": outcome.created, "updated": outcome.updated}), 1)
    session.run(_KEEP_OUTCOME, of_import=job.id, chunk=number, kept=kept)
    return outcome


def _applied(session: Session, job: Job, rows: Sequence[ReadRow], codes: range) -> Outcome:
    """Once more where somebody took a code or a name between the look and the write: the second look sees it.

    What is refused even then is looked for in halves, so that it is those rows alone that fail.
    """
    for _ in range(_TRIES - 1):
        if (outcome := _attempt(session, job, rows, codes)) is not None:
            return outcome
    return _in_halves(session, job, rows, codes)


def _in_halves(session: Session, job: Job, rows: Sequence[ReadRow], codes: range) -> Outcome:
    if (outcome := _attempt(session, job, rows, codes)) is not None:
        return outcome
    if len(rows) == 1:
        outcome = Outcome()
        outcome.refuse(rows[0], Fault(rows[0].line, None, "conflict", _CONFLICT))
        return outcome
    half = len(rows) // 2
    first = _in_halves(session, job, rows[:half], codes)
    # Those codes are left whose rows were not created.
    return first + _in_halves(session, job, rows[half:], codes[first.codes :])


def _attempt(session: Session, job: Job, rows: Sequence[ReadRow], codes: range) -> Outcome | None:
    """What became of the rows; None where the database has refused one of them, so that nothing was done."""
    try:
        with session.begin_nested():
            return apply_rows(session, rows, replace(options_of(job), draw_codes=_from(codes)))
    except psycopg.IntegrityError:
        return None


def _from(codes: range) -> Callable[[Session, int], list[int]]:
    """Draws from the codes that were put aside, and the company's next where more are needed than was thought."""
    left = iter(codes)

    def draw(session: Session, wanted: int) -> list[int]:
        own = list(islice(left, wanted))
        return [*own, *draw_codes(session, wanted - len(own))]

    return draw


def revert_chunk(session: Session, job: Job, number: int) -> None:
    """Delete the customers that the chunk created and set back the fields that it changed, where nobody has since."""
    hold(session, job, number + 1)
    chunk = get_chunk(session, job.id, number)
    done = chunk[1] if chunk is not None and chunk[1] is not None else {"created": [], "updated": []}
    created = {known_id: version for _, known_id, version in done["created"]}
    updated = {known_id: fields for _, known_id, _, fields in done["updated"]}
    locked = lock_many(session, RECORDS, [*created, *updated])
    peopled = {row[0] for row in session.fetch(_WITH_CONTACTS, ids=list(created))}
    gone = [
        locked[known_id]
        for known_id, version in created.items()
        if known_id in locked and known_id not in peopled and locked[known_id].version == version
    ]
    back = _set_back(session, {locked[known_id]: updated[known_id] for known_id in updated if known_id in locked}, job)
    RECORDS.delete_all(session, CUSTOMER_PURGED, gone)
    reverted = len(gone) + _give_back(session, back)
    kept = len(created) + len(updated) - reverted
    count(session, job, {"reverted_rows": reverted, "kept_rows": kept})
    reach(session, job, number)


def _give_back(session: Session, back: Sequence[tuple[Record, dict[str, Any]]]) -> int:
    """Set customers back; answers how many were. Whose name somebody else has by now stays, looked for in halves."""
    try:
        with session.begin_nested():
            change_many(session, RECORDS, CUSTOMER_UPDATED, back)
    except psycopg.IntegrityError:
        if len(back) == 1:
            return 0
        half = len(back) // 2
        return _give_back(session, back[:half]) + _give_back(session, back[half:])
    return len(back)


def _set_back(
    session: Session, changed: Mapping[Record, Mapping[str, Any]], job: Job
) -> list[tuple[Record, dict[str, Any]]]:
    """The fields that still have what the import gave them, with what they had before, and the keys that follow.

    Who has become inactive since gets nothing back.
    """
    assignees = {fields["assigned_to"][0] for fields in changed.values() if "assigned_to" in fields}
    active = USERS.active_among(session, assignees - {None})
    back = []
    for record, fields in changed.items():
        document = record.document
        if document["archived_at"] is not None:
            continue
        values = {name: before for name, (before, after) in fields.items() if document[name] == after}
        if values.get("assigned_to") not in (None, *active):
            del values["assigned_to"]
        if values:
            back.append((record, values | customer_keys(values, job.region, document)))
    return back


def keep_errors(session: Session, job: Job, number: int, faults: Sequence[Fault], *, anew: bool = False) -> None:
    """Keep what is wrong with a chunk's rows in the place of what was found before.

    The run leaves what validation has said of likely duplicates; `anew` is a validation.
    """
    session.run(_FORGET_ERRORS, of_import=job.id, chunk=number, all=anew)
    if not faults:
        return
    column_of = Cells(job.columns, job.mapping, CATALOGUE).column_of
    rows = [
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
    ]
    session.run(_ADD_ERRORS, of_import=job.id, chunk=number, rows=orjson.dumps(rows).decode())


def counts(outcome: Outcome) -> dict[str, int]:
    """What became of rows, as the import's columns count it."""
    numbers = {
        "created_rows": len(outcome.created),
        "updated_rows": len(outcome.updated),
        "unchanged_rows": outcome.unchanged,
        "failed_rows": outcome.failed,
    }
    return numbers | {"processed_rows": sum(numbers.values()), "duplicate_rows": outcome.duplicates}
