"""What a client does with an import: brings the file, says what it means, has it validated, run, stopped, undone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Integer, Interval, LargeBinary, String, all_, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.locks import lock_name
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from chassis.events import EventType
from customers.commands.import_checks import industries_named
from customers.events import (
    CUSTOMER_IMPORT_CANCELLED,
    CUSTOMER_IMPORT_CREATED,
    CUSTOMER_IMPORT_REVERT_STARTED,
    CUSTOMER_IMPORT_STARTED,
    CUSTOMER_IMPORT_UPDATED,
)
from customers.models import USERS, import_parts
from customers.models import customer_imports as imports
from customers.queries.imports import RECORDS, get_part, list_chunks, measure_files, measure_kept, measure_parts
from customers.rules import importing
from customers.rules.import_fields import CATALOGUE, CHOICES_OF
from customers.rules.importing import CREATE, OPEN, UPLOADING
from imports.files import Beginning, MalformedFile, detect_encoding, read_header
from imports.proposal import DOUBTFUL, Column, Proposal, crowded_fields, propose
from imports.values import propose_date_format, propose_decimal_mark

PURGE_BATCH = 200
_SAMPLE = 256 * 1024
_LONGEST_ID = 19

_UNFINISHED = Prepared(
    select(func.count()).where(
        of_tenant(imports),
        imports.c.state != all_(bindparam("over", value=list(importing.OVER), type_=ARRAY(String))),
        imports.c.created_at > func.now() - bindparam("window", value=importing.REVERT_WINDOW, type_=Interval),
    )
)
_part = upsert(import_parts).values(
    company_id=TENANT,
    import_id=bindparam("of_import", type_=BigInteger),
    number=bindparam("number", type_=Integer),
    body=bindparam("body", type_=LargeBinary),
)
_PUT_PART = Prepared(
    _part.on_conflict_do_update(
        index_elements=["company_id", "import_id", "number"], set_={"body": _part.excluded.body}
    )
)
FORGET_PARTS = Prepared(
    delete(import_parts).where(
        of_tenant(import_parts), import_parts.c.import_id == bindparam("of_import", type_=BigInteger)
    )
)
_PURGE = Prepared(select(func.purge_customer_imports(bindparam("most", type_=Integer))), writes=True)
_REACHED = Prepared(
    select(imports.c.next_chunk).where(of_tenant(imports), imports.c.id == bindparam("of_import", type_=BigInteger))
)
# What a new validation begins with.
_COUNTS = ("processed_rows", "created_rows", "updated_rows", "unchanged_rows", "failed_rows")
# What the worker has shown of a transaction that is given up has not happened.
NOTHING_DONE: Mapping[str, Any] = dict.fromkeys(_COUNTS, 0)
_STARTED: Mapping[str, Any] = {
    **NOTHING_DONE,
    "next_chunk": 0,
    "first_code": None,
    "error_code": None,
    "error_detail": None,
}
# How many rows are probably there already only a validation counts.
ANEW: Mapping[str, Any] = {**_STARTED, "duplicate_rows": 0}


def create_import(session: Session, values: dict[str, Any]) -> Record:
    """Begin an import. Raises Conflict while the company has several that are not over, Invalid for a lacking key."""
    USERS.ensure_actor(session)
    lock_name(session, "imports:create")
    if session.fetch(_UNFINISHED)[0][0] >= importing.MOST_UNFINISHED:
        detail = f"{importing.MOST_UNFINISHED} imports are not over yet; finish or cancel one."
        raise Conflict("too_many_imports", detail)
    _refuse_excess(measure_kept(session), importing.MOST_KEPT_BYTES)
    _check_options(values)
    context = current()
    values |= {
        "created_by": context.user_id,
        "own_only": context.own_only,
        "correlation_id": context.request_id[:64],
    }
    return RECORDS.create(session, CUSTOMER_IMPORT_CREATED, values)


def put_part(session: Session, import_id: int, number: int, body: bytes) -> None:
    """Keep a part of the file; the same part again takes the place of the first. Raises NotFound, Conflict, Invalid."""
    _in_state(session, import_id, UPLOADING)
    if not 1 <= number <= importing.MOST_PARTS:
        raise _invalid("", "too_many_parts", f"Parts are numbered from 1 to {importing.MOST_PARTS}.")
    if not body:
        raise _invalid("", "empty_part", "The part is empty.")
    _refuse_excess(measure_files(session) + len(body), importing.MOST_FILE_BYTES)
    session.run(_PUT_PART, of_import=import_id, number=number, body=body)


def finish_upload(session: Session, import_id: int, parts: int) -> Record:
    """Look at the file, of which all parts have come: its encoding, delimiter and columns, and what they may mean.

    Raises NotFound, Conflict where parts are missing, Invalid where it cannot be read.
    """
    before, known = _in_state(session, import_id, UPLOADING)
    count, highest, size = measure_parts(session, import_id)
    if count != parts or highest != parts:
        raise Conflict(
            "parts_missing", f"{count} parts have come, of which the last is {highest}; {parts} are awaited."
        )
    looked, mapping = _looked_at(session, import_id, known, parts)
    values = {"state": importing.UPLOADED, "size": size, "mapping": mapping, **looked}
    return RECORDS.change(session, CUSTOMER_IMPORT_UPDATED, before, values)


def update_import(session: Session, import_id: int, version: int, given: dict[str, Any]) -> Record:
    """Say what the columns mean or how the file is to be read; if that changes, it is to be validated again.

    A mapping that the client does not give stays as long as its columns are there; after that it is proposed anew.

    Raises NotFound, PreconditionFailed, Conflict where it has begun, Invalid.
    """
    before = RECORDS.expect(session, import_id, version)
    known = before.document
    _refuse_unless(known, OPEN)
    _check_options(known | given)
    values, anew = given, bool(given.keys() & {"encoding", "delimiter"})
    if anew:
        # In another encoding other characters divide the columns; another delimiter says nothing of the encoding.
        parts = measure_parts(session, import_id)[0]
        looked, proposed = _looked_at(session, import_id, known | {"delimiter": None} | given, parts)
        mapping = known["mapping"]
        if not mapping or mapping.keys() - {column["name"] for column in looked["columns"]}:
            mapping = proposed
        values = {"total_rows": None, "mapping": mapping, **looked, **given}
    # What is proposed anew may lack something, which whoever wants to see the columns first could not say yet.
    if "mapping" in given or not anew:
        _check_mapping(known | values)
    if known | given == known:
        return before  # What was validated counts on.
    return RECORDS.change(session, CUSTOMER_IMPORT_UPDATED, before, values | {"state": importing.UPLOADED, **ANEW})


def validate_import(session: Session, import_id: int) -> Record:
    """Have every row checked without changing a customer. Raises NotFound, Conflict, Invalid for a lacking column."""
    before, known = _in_state(session, import_id, *OPEN)
    _check_mapping(known)
    return RECORDS.change(session, CUSTOMER_IMPORT_UPDATED, before, {"state": importing.VALIDATING, **ANEW})


def start_import(session: Session, import_id: int) -> Record:
    """Have the file imported, after it was validated. Raises NotFound, Conflict."""
    before, known = _in_state(session, import_id, importing.AWAITING)
    if known["all_or_nothing"] and known["failed_rows"]:
        detail = (
            f"{known['failed_rows']} rows have faults; mend the file, or import the others with all_or_nothing off."
        )
        raise Conflict("rows_with_faults", detail)
    if known["all_or_nothing"] and known["total_rows"] > importing.MOST_ROWS_AT_ONCE:
        detail = f"All or nothing is for up to {importing.MOST_ROWS_AT_ONCE} rows; this file has {known['total_rows']}."
        raise Conflict("too_many_rows", detail)
    return RECORDS.change(
        session, CUSTOMER_IMPORT_STARTED, before, {"state": importing.RUNNING, "started_at": NOW, **_STARTED}
    )


def cancel_import(session: Session, import_id: int) -> Record:
    """Stop an import; what it has done by now stays, and can be reverted. Raises NotFound, Conflict."""
    unfinished = (UPLOADING, *OPEN, importing.VALIDATING, importing.RUNNING)
    before, known = _in_state(session, import_id, *unfinished)
    values: dict[str, Any] = {"state": importing.CANCELLED, "finished_at": NOW}
    if known["all_or_nothing"] and known["state"] == importing.RUNNING and not _reached(session, import_id):
        values |= NOTHING_DONE
    # Nothing reads the file any more; the rows that were read stay for the error file and a revert.
    session.run(FORGET_PARTS, of_import=import_id)
    return RECORDS.change(session, CUSTOMER_IMPORT_CANCELLED, before, values)


def _refuse_excess(size: int, most: int) -> None:
    if size > most:
        detail = (
            f"The company's imports keep {size >> 20} MiB, and may keep {most >> 20} MiB. Cancel those that are not "
            f"needed; the others are deleted {importing.REVERT_WINDOW.days} days after they began."
        )
        raise Conflict("import_space_exhausted", detail)


def revert_import(session: Session, import_id: int) -> Record:
    """Undo what an import did and nobody has changed since. Raises NotFound, Conflict when it is too late."""
    before, known = _in_state(session, import_id, *importing.REVERTIBLE)
    if known["started_at"] is None:
        raise Conflict("import_never_started", "The import has changed nothing.")
    if datetime.fromisoformat(known["started_at"]) + importing.REVERT_WINDOW < datetime.now(UTC):
        raise Conflict("too_late", f"An import can be reverted for {importing.REVERT_WINDOW.days} days.")
    last = len(list_chunks(session, import_id))
    values = {"state": importing.REVERTING, "next_chunk": last, "reverted_rows": 0, "kept_rows": 0}
    return RECORDS.change(session, CUSTOMER_IMPORT_REVERT_STARTED, before, values)


def purge_old_imports(session: Session) -> int:
    """Delete some of what is kept of imports that cannot be reverted any more; answers how many rows that was."""
    gone: int = session.fetch(_PURGE, most=PURGE_BATCH)[0][0]
    return gone


def move_on(session: Session, event_type: EventType, import_id: int, state: str, values: Mapping[str, Any]) -> bool:
    """Bring a locked import from `state` into another; False where it has left that state meanwhile."""
    before = RECORDS.get(session, import_id, lock=True)
    if before.document["state"] != state:
        return False
    RECORDS.change(session, event_type, before, values)
    return True


def _reached(session: Session, import_id: int) -> int:
    """How many chunks of a locked import have been done for good."""
    number: int = session.fetch(_REACHED, of_import=import_id)[0][0]
    return number


def _in_state(session: Session, import_id: int, *states: str) -> tuple[Record, dict[str, Any]]:
    record = RECORDS.get(session, import_id, lock=True)
    known: dict[str, Any] = record.document
    _refuse_unless(known, states)
    return record, known


def _refuse_unless(known: Mapping[str, Any], states: tuple[str, ...]) -> None:
    if known["state"] not in states:
        raise Conflict("import_state", f"The import is {known['state']}; that takes one that is {' or '.join(states)}.")


def _looked_at(
    session: Session, import_id: int, known: Mapping[str, Any], parts: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the file looks like and how it is proposed to be read, and what its columns are proposed to mean."""
    sample, number = b"", 0
    while number < parts and len(sample) < _SAMPLE:
        number += 1
        sample += get_part(session, import_id, number) or b""
    if not sample:
        raise Conflict("import_expired", "The file is not kept any more; begin another import.")
    encoding = known["encoding"] or detect_encoding(sample)
    try:
        beginning = read_header(
            sample, encoding, known["delimiter"], whole=number == parts, is_header=CATALOGUE.is_header
        )
    except MalformedFile as fault:
        raise _invalid("", fault.code, str(fault)) from None
    columns = [Column(name, beginning.samples(index)) for index, name in enumerate(beginning.names)]
    proposal = _of_known_lists(session, propose(columns, CATALOGUE))
    values = {
        "encoding": encoding,
        "delimiter": beginning.delimiter,
        "header_line": beginning.line,
        "profile": proposal.profile,
        "columns": _shown(beginning, proposal),
        "on_unknown": known["on_unknown"] or (importing.EMPTY if proposal.profile else importing.REFUSE),
        "date_format": known["date_format"] or propose_date_format(_samples(proposal, "created_at")),
        "decimal_mark": known["decimal_mark"] or propose_decimal_mark(_samples(proposal, "credit_limit")),
    }
    return values, proposal.mapping


def _shown(beginning: Beginning, proposal: Proposal) -> list[dict[str, Any]]:
    """The columns as a client sees them: a few values, and what they are taken for, however doubtful that is."""
    shown = []
    for index, name in enumerate(beginning.names):
        guess = proposal.guesses.get(name)
        shown.append(
            {
                "name": name,
                "samples": beginning.shown(index),
                "proposed_field": guess.field if guess is not None else None,
                "confidence": guess.confidence if guess is not None else None,
            }
        )
    return shown


def _samples(proposal: Proposal, field: str) -> list[str]:
    return [text for guess in proposal.guesses.values() if guess.field == field for text in guess.column.given]


def _of_known_lists(session: Session, proposal: Proposal) -> Proposal:
    """Doubt a column of a table of unknown origin whose samples are no industry and no member of the company."""
    if proposal.profile is not None:
        return proposal
    guesses = dict(proposal.guesses)
    for name, guess in proposal.guesses.items():
        given = set(guess.column.given)
        if guess.field == "industry" and given and not industries_named(session, given):
            guesses[name] = replace(guess, confidence=DOUBTFUL)
        if guess.field == "assigned_to" and given:
            ids = {int(text) for text in given if text.isascii() and text.isdigit() and len(text) < _LONGEST_ID}
            if not USERS.find_people(session, {*ids, *(text.lower() for text in given)}):
                guesses[name] = replace(guess, confidence=DOUBTFUL)
    return replace(proposal, guesses=guesses)


def _check_options(known: Mapping[str, Any]) -> None:
    if known["mode"] != CREATE and known.get("match_by") is None:
        detail = f"{known['mode']} needs match_by: what a row's customer is found by."
        raise _invalid("/match_by", "required", detail)


def _check_mapping(known: Mapping[str, Any]) -> None:
    mapping = known["mapping"]
    if strangers := mapping.keys() - {column["name"] for column in known["columns"]}:
        raise _invalid("/mapping", "unknown_column", f"The file has no column {min(strangers)!r}.")
    if crowded := crowded_fields(mapping, CATALOGUE):
        raise _invalid("/mapping", "field_twice", f"Several columns go into {crowded[0]}, which takes one.")
    # The company, else the address, is the name of who has none.
    needed = {"name", "company_name", "email"} if known["mode"] == CREATE else {known["match_by"]}
    if not needed & set(mapping.values()):
        missing = "name" if known["mode"] == CREATE else known["match_by"]
        raise _invalid("/mapping", "field_missing", f"No column is mapped to {missing}, which this import needs.")
    for field, words in known["value_mapping"].items():
        for text, value in words.items():
            if value and field in CHOICES_OF and value not in CHOICES_OF[field]:
                detail = f"{text!r} is to become {value!r}; {field} is one of {', '.join(CHOICES_OF[field])}."
                raise _invalid(f"/value_mapping/{field}", "invalid_value", detail)


def _invalid(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid("invalid_import", detail, (FieldError(pointer, code, detail),))
