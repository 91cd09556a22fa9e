"""The first look at a file: its encoding, its delimiter and its columns, and what they are proposed to mean."""

from collections.abc import Mapping
from typing import Any

from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from imports.engine import lifecycle
from imports.engine.definition import Imports
from imports.files import Beginning, MalformedFile, detect_encoding, read_header
from imports.proposal import Column, Proposal, propose
from imports.values import propose_date_format, propose_decimal_mark

_SAMPLE = 256 * 1024


def look_at(
    imports: Imports, session: Session, import_id: int, known: Mapping[str, Any], parts: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the file looks like and how it is proposed to be read, and what its columns are proposed to mean.

    Raises Conflict where the file is not kept any more, Invalid where it cannot be read.
    """
    sample, number = b"", 0
    while number < parts and len(sample) < _SAMPLE:
        number += 1
        sample += imports.store.parts.get(session, import_id, number) or b""
    if not sample:
        raise Conflict("import_expired", "The file is not kept any more; begin another import.")
    target = imports.targets[known["record_type"]]
    catalogue = target.catalogue
    encoding = known["encoding"] or detect_encoding(sample)
    try:
        beginning = read_header(
            sample, encoding, known["delimiter"], whole=number == parts, is_header=catalogue.is_header
        )
    except MalformedFile as fault:
        raise Invalid("invalid_import", str(fault), (FieldError("", fault.code, str(fault)),)) from None
    columns = [Column(name, beginning.samples(index)) for index, name in enumerate(beginning.names)]
    proposal = target.doubt(session, propose(columns, catalogue))
    values: dict[str, Any] = {
        "encoding": encoding,
        "delimiter": beginning.delimiter,
        "header_line": beginning.line,
        "profile": proposal.profile,
        "columns": _shown(beginning, proposal),
        "on_unknown": known["on_unknown"] or (lifecycle.EMPTY if proposal.profile else lifecycle.REFUSE),
        "date_format": known["date_format"] or propose_date_format(_samples(proposal, *catalogue.dates)),
        "decimal_mark": known["decimal_mark"] or propose_decimal_mark(_samples(proposal, *catalogue.amounts)),
    }
    if imports.record_type_of is not None:
        values["proposed_record_type"] = imports.record_type_of(columns)
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


def _samples(proposal: Proposal, *fields: str) -> list[str]:
    return [text for guess in proposal.guesses.values() if guess.field in fields for text in guess.column.given]
