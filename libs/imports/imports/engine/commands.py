"""What a client does with an import: brings the file, says what it means, has it validated, run, stopped, undone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Integer, Interval, String, all_, bindparam, func, select

from chassis.context import current
from chassis.db.locks import lock_name
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from chassis.events import EventType
from imports.engine import lifecycle
from imports.engine.definition import Imports
from imports.engine.jobs import GOES_ON
from imports.engine.lifecycle import CREATE, OPEN, UPLOADING
from imports.engine.looking import look_at
from imports.proposal import crowded_fields

PURGE_BATCH = 200

# What a new validation begins with.
_COUNTS = ("processed_rows", "created_rows", "updated_rows", "unchanged_rows", "failed_rows")
# What the worker has shown of a transaction that is given up has not happened.
NOTHING_DONE: Mapping[str, Any] = dict.fromkeys(_COUNTS, 0)
# What a validation has counted has not happened either.
NOTHING_FOUND: Mapping[str, Any] = {**NOTHING_DONE, "duplicate_rows": 0}
_STARTED: Mapping[str, Any] = {
    **NOTHING_DONE,
    "next_chunk": 0,
    "first_code": None,
    "error_code": None,
    "error_detail": None,
}
# How many rows are probably there already only a validation counts.
ANEW: Mapping[str, Any] = {**_STARTED, "duplicate_rows": 0}


@lru_cache(maxsize=16)
def _unfinished(imports: Imports) -> Prepared:
    table = imports.tables.imports
    return Prepared(
        select(func.count()).where(
            of_tenant(table),
            table.c.state != all_(bindparam("over", value=list(lifecycle.OVER), type_=ARRAY(String))),
            table.c.created_at > func.now() - bindparam("window", value=lifecycle.REVERT_WINDOW, type_=Interval),
        )
    )


@lru_cache(maxsize=16)
def _purge(imports: Imports) -> Prepared:
    purge = getattr(func, f"purge_{imports.tables.imports.name}")
    return Prepared(select(purge(bindparam("most", type_=Integer))), writes=True)


def create_import(imports: Imports, session: Session, values: dict[str, Any]) -> Record:
    """Begin an import. Raises Conflict while the company has several that are not over, Invalid for a lacking key."""
    imports.users.ensure_actor(session)
    lock_name(session, f"{imports.tables.imports.name}:create")
    if session.fetch(_unfinished(imports))[0][0] >= lifecycle.MOST_UNFINISHED:
        detail = f"{lifecycle.MOST_UNFINISHED} imports are not over yet; finish or cancel one."
        raise Conflict("too_many_imports", detail)
    _refuse_excess(imports.store.measure_kept(session), lifecycle.MOST_KEPT_BYTES)
    values = {"record_type": next(iter(imports.targets)), **values}
    _check_options(imports, values)
    context = current()
    values |= {
        "created_by": context.user_id,
        "own_only": _sees_own_only(imports),
        "correlation_id": context.request_id[:64],
    }
    return imports.records.create(session, imports.events.created, values)


def _sees_own_only(imports: Imports) -> bool:
    """Whether the caller sees no more than their own of the records that rows make or name.

    The worker acts without permissions, so that what they hide is settled here, for all kinds of records alike.
    """
    context = current()
    return context.own_only or not imports.reads <= context.permissions


def _narrowed(imports: Imports) -> dict[str, Any]:
    """What becomes of an import's sight with its next step: it sees no more than whoever asks for that.

    They may see less than when it began, after a change of their role or by an API key; it never sees more again.
    """
    return {"own_only": True} if _sees_own_only(imports) else {}


def put_part(imports: Imports, session: Session, import_id: int, number: int, body: bytes) -> None:
    """Keep a part of the file; the same part again takes the place of the first. Raises NotFound, Conflict, Invalid."""
    _in_state(imports, session, import_id, UPLOADING)
    if not 1 <= number <= lifecycle.MOST_PARTS:
        raise _invalid("", "too_many_parts", f"Parts are numbered from 1 to {lifecycle.MOST_PARTS}.")
    if not body:
        raise _invalid("", "empty_part", "The part is empty.")
    _refuse_excess(imports.store.parts.measure_all(session) + len(body), lifecycle.MOST_FILE_BYTES)
    imports.store.parts.put(session, import_id, number, body)


def finish_upload(imports: Imports, session: Session, import_id: int, parts: int) -> Record:
    """Look at the file, of which all parts have come: its encoding, delimiter and columns, and what they may mean.

    Raises NotFound, Conflict where parts are missing, Invalid where it cannot be read.
    """
    before, known = _in_state(imports, session, import_id, UPLOADING)
    count, highest, size = imports.store.parts.measure(session, import_id)
    if count != parts or highest != parts:
        raise Conflict(
            "parts_missing", f"{count} parts have come, of which the last is {highest}; {parts} are awaited."
        )
    looked, mapping = look_at(imports, session, import_id, known, parts)
    values = {"state": lifecycle.UPLOADED, "size": size, "mapping": mapping, **looked}
    return imports.records.change(session, imports.events.updated, before, values)


def update_import(imports: Imports, session: Session, import_id: int, version: int, given: dict[str, Any]) -> Record:
    """Say what the columns mean or how the file is to be read; if that changes, it is to be validated again.

    A mapping that the client does not give stays as long as its columns are there and the records are the same; after
    that it is proposed anew.

    Raises NotFound, PreconditionFailed, Conflict where it has begun, Invalid.
    """
    before = imports.records.expect(session, import_id, version)
    known = before.document
    _refuse_unless(known, OPEN)
    _check_options(imports, known | given)
    other_records = given.get("record_type", known["record_type"]) != known["record_type"]
    other_reading = bool(given.keys() & {"encoding", "delimiter"})
    values, anew = given, other_records or other_reading
    if anew:
        # In another encoding other characters divide the columns; another delimiter says nothing of the encoding.
        parts = imports.store.parts.measure(session, import_id)[0]
        divided = known | ({"delimiter": None} if other_reading else {}) | given
        looked, proposed = look_at(imports, session, import_id, divided, parts)
        mapping = known["mapping"]
        if other_records or not mapping or mapping.keys() - {column["name"] for column in looked["columns"]}:
            mapping = proposed
        values = {"total_rows": None, "mapping": mapping, **looked, **given}
    # What is proposed anew may lack something, which whoever wants to see the columns first could not say yet.
    if "mapping" in given or not anew:
        _check_mapping(imports, known | values)
    if known | given == known:
        return before  # What was validated counts on.
    return imports.records.change(
        session, imports.events.updated, before, values | {"state": lifecycle.UPLOADED, **ANEW}
    )


def validate_import(imports: Imports, session: Session, import_id: int) -> Record:
    """Have every row checked without changing a record. Raises NotFound, Conflict, Invalid for a lacking column."""
    before, known = _in_state(imports, session, import_id, *OPEN)
    _check_mapping(imports, known)
    values = {"state": lifecycle.VALIDATING, **ANEW, **_narrowed(imports)}
    return imports.records.change(session, imports.events.updated, before, values)


def start_import(imports: Imports, session: Session, import_id: int) -> Record:
    """Have the file imported, after it was validated. Raises NotFound, Conflict."""
    before, known = _in_state(imports, session, import_id, lifecycle.AWAITING)
    if known["all_or_nothing"] and known["failed_rows"]:
        detail = (
            f"{known['failed_rows']} rows have faults; mend the file, or import the others with all_or_nothing off."
        )
        raise Conflict("rows_with_faults", detail)
    if known["all_or_nothing"] and known["total_rows"] > lifecycle.MOST_ROWS_AT_ONCE:
        detail = f"All or nothing is for up to {lifecycle.MOST_ROWS_AT_ONCE} rows; this file has {known['total_rows']}."
        raise Conflict("too_many_rows", detail)
    values = {"state": lifecycle.RUNNING, "started_at": NOW, **_STARTED, **_narrowed(imports)}
    return imports.records.change(session, imports.events.started, before, values)


def cancel_import(imports: Imports, session: Session, import_id: int) -> Record:
    """Stop an import; what it has done by now stays, and can be reverted. Raises NotFound, Conflict."""
    unfinished = (UPLOADING, *OPEN, lifecycle.VALIDATING, lifecycle.RUNNING)
    before, known = _in_state(imports, session, import_id, *unfinished)
    values: dict[str, Any] = {"state": lifecycle.CANCELLED, "finished_at": NOW, **GOES_ON}
    if known["started_at"] is None:
        values |= NOTHING_FOUND
    elif (
        known["all_or_nothing"] and known["state"] == lifecycle.RUNNING and not imports.jobs.reached(session, import_id)
    ):
        values |= NOTHING_DONE
    # Nothing reads the file any more; the rows that were read stay for the error file and a revert.
    imports.store.parts.forget(session, import_id)
    return imports.records.change(session, imports.events.cancelled, before, values)


def _refuse_excess(size: int, most: int) -> None:
    if size > most:
        detail = (
            f"The company's imports keep {size >> 20} MiB, and may keep {most >> 20} MiB. Cancel those that are not "
            f"needed; the others are deleted {lifecycle.REVERT_WINDOW.days} days after they began."
        )
        raise Conflict("import_space_exhausted", detail)


def revert_import(imports: Imports, session: Session, import_id: int) -> Record:
    """Undo what an import did and nobody has changed since. Raises NotFound, Conflict when it is too late."""
    before, known = _in_state(imports, session, import_id, *lifecycle.REVERTIBLE)
    if known["started_at"] is None:
        raise Conflict("import_never_started", "The import has changed nothing.")
    if datetime.fromisoformat(known["started_at"]) + lifecycle.REVERT_WINDOW < datetime.now(UTC):
        raise Conflict("too_late", f"An import can be reverted for {lifecycle.REVERT_WINDOW.days} days.")
    last = len(imports.store.chunks.list(session, import_id))
    values = {"state": lifecycle.REVERTING, "next_chunk": last, "reverted_rows": 0, "kept_rows": 0}
    values |= _narrowed(imports)
    return imports.records.change(session, imports.events.revert_started, before, values)


def purge_old_imports(imports: Imports, session: Session) -> int:
    """Delete some of what is kept of imports that cannot be reverted any more; answers how many rows that was."""
    gone: int = session.fetch(_purge(imports), most=PURGE_BATCH)[0][0]
    return gone


def move_on(
    imports: Imports, session: Session, event_type: EventType, import_id: int, *, state: str, values: Mapping[str, Any]
) -> bool:
    """Bring a locked import from `state` into another; False where it has left that state meanwhile."""
    before = imports.records.get(session, import_id, lock=True)
    if before.document["state"] != state:
        return False
    imports.records.change(session, event_type, before, {**values, **GOES_ON})
    return True


def _in_state(imports: Imports, session: Session, import_id: int, *states: str) -> tuple[Record, dict[str, Any]]:
    record = imports.records.get(session, import_id, lock=True)
    known: dict[str, Any] = record.document
    _refuse_unless(known, states)
    return record, known


def _refuse_unless(known: Mapping[str, Any], states: tuple[str, ...]) -> None:
    if known["state"] not in states:
        raise Conflict("import_state", f"The import is {known['state']}; that takes one that is {' or '.join(states)}.")


def _check_options(imports: Imports, known: Mapping[str, Any]) -> None:
    target = imports.targets[known["record_type"]]
    match_by = known.get("match_by")
    if known["mode"] != CREATE and match_by is None:
        detail = f"{known['mode']} needs match_by: what a row's {target.noun} is found by."
        raise _invalid("/match_by", "required", detail)
    if match_by is not None and match_by not in target.match_by:
        detail = f"A {target.noun} is found by {', '.join(target.match_by)}."
        raise _invalid("/match_by", "invalid_value", detail)


def _check_mapping(imports: Imports, known: Mapping[str, Any]) -> None:
    target, mapping = imports.targets[known["record_type"]], known["mapping"]
    if strangers := mapping.keys() - {column["name"] for column in known["columns"]}:
        raise _invalid("/mapping", "unknown_column", f"The file has no column {min(strangers)!r}.")
    if unknown := set(mapping.values()) - target.catalogue.by_name.keys():
        raise _invalid("/mapping", "unknown_field", f"A {target.noun} has no field {min(unknown)!r}.")
    if crowded := crowded_fields(mapping, target.catalogue):
        raise _invalid("/mapping", "field_twice", f"Several columns go into {crowded[0]}, which takes one.")
    needed = target.needed if known["mode"] == CREATE else (known["match_by"],)
    if not set(needed) & set(mapping.values()):
        raise _invalid("/mapping", "field_missing", f"No column is mapped to {needed[0]}, which this import needs.")
    for field, words in known["value_mapping"].items():
        allowed = target.choices.get(field)
        for text, value in words.items():
            if value and allowed is not None and value not in allowed:
                detail = f"{text!r} is to become {value!r}; {field} is one of {', '.join(allowed)}."
                raise _invalid(f"/value_mapping/{field}", "invalid_value", detail)


def _invalid(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid("invalid_import", detail, (FieldError(pointer, code, detail),))
