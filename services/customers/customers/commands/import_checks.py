"""What the rows of an import are held against: industries, and members of the company."""

from collections.abc import Iterable
from dataclasses import replace

from chassis.db.session import Session
from customers.models import USERS
from customers.queries.industries import list_industries
from customers.rules import INDUSTRIES
from imports.engine.members import Members
from imports.headers import folded
from imports.proposal import DOUBTFUL, Proposal
from imports.rows import Fault, ReadRow

_LONGEST_ID = 19
_SEED = {folded(name): name for name in INDUSTRIES}


class Lists:
    """What the company keeps lists of, as far as some rows name it."""

    def __init__(self, session: Session, rows: Iterable[ReadRow], *, empties: bool) -> None:
        self._empties = empties
        industries = {row.values["industry"] for row in rows if "industry" in row.values}
        self._industries = industries_named(session, industries)
        self._members = Members(session, USERS, rows, "assigned_to")

    def settle(self, row: ReadRow) -> list[Fault]:
        """Put into a row what its words stand for. What they name nobody and nothing by is a fault, or left empty."""
        faults = []
        for field in ("industry", "assigned_to"):
            given = row.values.get(field)
            if given is None:
                continue
            value, code, sentence = self._industry(given) if field == "industry" else self._members.find(given)
            if value is not None:
                row.values[field] = value
            elif self._empties:
                del row.values[field]
                row.warn(field, "left_empty", sentence, str(given))
            else:
                faults.append(Fault(row.line, field, code, sentence, str(given)))
        return faults

    def _industry(self, given: str) -> tuple[str | None, str, str]:
        return self._industries.get(given), "unknown_industry", f"There is no industry {given!r} in this company."


def industries_named(session: Session, names: Iterable[str]) -> dict[str, str]:
    """The industries that these texts name, whatever their case."""
    found = {name: name if name in INDUSTRIES else _SEED.get(folded(name)) for name in names}
    if not all(found.values()):
        own = {folded(name): name for name in list_industries(session)}
        found = {name: known or own.get(folded(name)) for name, known in found.items()}
    return {name: known for name, known in found.items() if known is not None}


def doubt_unknown(session: Session, proposal: Proposal) -> Proposal:
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
