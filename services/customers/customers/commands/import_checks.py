"""What the rows of an import are held against: industries, members of the company, and customers that are like them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from chassis.db.session import Session
from customers.models import USERS
from customers.queries.duplicates import find_duplicates
from customers.queries.industries import list_industries
from customers.queries.matches import find_sharing
from customers.rules import INDUSTRIES
from customers.rules.duplicates import MOST_SHARING
from imports.engine.members import Members
from imports.engine.target import RowOptions
from imports.headers import folded
from imports.proposal import DOUBTFUL, Proposal
from imports.rows import Fault, ReadRow

_LONGEST_ID = 19
_SHARED = ("email_norm", "phone_e164", "phone_tail", "domain_norm", "name_norm", "name_two")
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


class Likely:
    """Which customers, stored or of rows above, new ones are probably the same as."""

    def __init__(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> None:
        self._session = session
        self._options = options
        self._rules = options.around.rules
        self._asks = options.around.refuses_duplicates or not options.writes
        given = [{"line": row.line, **self._keys(row)} for row in rows] if self._asks else []
        self._found = find_sharing(session, [keys for keys in given if len(keys) > 1])

    def sentence(self, row: ReadRow) -> str | None:
        """What is to be said of a row that is probably there already; None for one that is not."""
        if not self._asks:
            return None
        if row.line in self._found:
            found = find_duplicates(self._session, row.values | row.keys)
            if found["candidates"] or found["hidden"]:
                ids = ", ".join(str(candidate["customer"]["id"]) for candidate in found["candidates"])
                return f"Probably the same as customer {ids or 'of a colleague'}."
        lines = self._lines_above(row)
        return f"Probably the same as line {', '.join(map(str, lines))}." if lines else None

    def leave(self, row: ReadRow) -> None:
        """Let the rows below find this one."""
        seen = self._options.seen
        for key, value in self._keys(row).items():
            entry = seen.get(key, value) or []
            if len(entry) <= MOST_SHARING:
                seen.put(key, value, entry=[*entry, row.line])

    def _lines_above(self, row: ReadRow) -> list[int]:
        if self._options.writes:  # They are stored by now.
            return []
        shared: dict[int, set[str]] = {}
        for key, value in self._keys(row).items():
            lines = self._options.seen.get(key, value) or []
            if len(lines) <= MOST_SHARING:
                for line in lines:
                    shared.setdefault(line, set()).add("name_norm" if key == "name_two" else key)
        rules = self._rules
        return sorted(line for line, keys in shared.items() if rules.likeness(keys).score >= rules.threshold)

    def _keys(self, row: ReadRow) -> dict[str, Any]:
        telling = self._rules.telling(row.keys)
        if "name_norm" in telling and row.keys.get("name_two"):
            telling["name_two"] = row.keys["name_two"]
        return {name: telling[name] for name in _SHARED if name in telling}
