"""The rows of an import as customers: found, checked against what is there, created and changed, many at a time.

Rows take effect as if they came one after the other. So a batch ends before a row that could meet one of the batch: one
of the same customer, of the same code or name, or, where the company refuses duplicates, one that is like it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, bindparam
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.bulk import change_many, create_many, lock_many
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from customers import rules
from customers.commands.customers import lock_creation
from customers.commands.import_checks import Likely, Lists
from customers.events import CUSTOMER_CREATED, CUSTOMER_UPDATED
from customers.models import customer_codes
from customers.queries.customers import RECORDS
from customers.queries.matches import find_matches, taken_codes, taken_names
from customers.rules.duplicates import ALLOW, BLOCK, DEFAULT, Rules
from customers.rules.importing import CREATE, UPDATE
from customers.rules.keys import customer_keys
from customers.views import CUSTOMER
from imports.rows import Fault, Outcome, ReadRow
from imports.seen import Seen
from people.emails import email_key

# What a row says of new customers alone.
_ONLY_NEW = ("id", "customer_code", "created_at")

_draw = upsert(customer_codes).values(company_id=TENANT, last_number=bindparam("count", type_=BigInteger))
_DRAW_CODES = Prepared(
    _draw.on_conflict_do_update(
        index_elements=["company_id"], set_={"last_number": customer_codes.c.last_number + _draw.excluded.last_number}
    ).returning(customer_codes.c.last_number)
)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How rows become customers; `draw_codes` answers the numbers of so many new codes, without it none is written.

    `empties` leaves empty what names nobody and nothing. `seen` is what the rows before would have done, where none is
    written.
    """

    mode: str
    match_by: str | None
    duplicates: str
    empties: bool = False
    rules: Rules = DEFAULT
    draw_codes: Callable[[Session, int], Iterable[int]] | None = None
    seen: Seen = field(default_factory=lambda: Seen({}))

    @property
    def writes(self) -> bool:
        return self.draw_codes is not None

    @property
    def refuse_duplicates(self) -> bool:
        return self.duplicates == BLOCK

    @property
    def tells_duplicates(self) -> bool:
        """Whether rows that are probably there already are told, which only a validation does."""
        return self.duplicates != ALLOW and not self.writes


def draw_codes(session: Session, count: int) -> range:
    """Draw so many of the company's next codes; answers the numbers in them."""
    if count == 0:
        return range(0)
    last: int = session.fetch(_DRAW_CODES, count=count)[0][0]
    return range(last - count + 1, last + 1)


def key_of(values: Mapping[str, Any], match_by: str) -> Any:
    """What a row's customer is found by."""
    return email_key(values["email"]) if match_by == "email" else values[match_by]


def apply_rows(session: Session, rows: Sequence[ReadRow], options: ImportOptions) -> Outcome:
    """Create and change the customers that rows are about, each with its event; without `options.writes` only look."""
    if options.refuse_duplicates and options.writes:
        lock_creation(session)
    outcome = Outcome()
    for batch in _batches(rows, options):
        _Batch(session, options, outcome).apply(batch)
    return outcome


def conflict_keys(rows: Iterable[ReadRow], options: ImportOptions) -> set[Any]:
    """By what the rows could meet others; rows that share none of it take effect in any order."""
    return {key for row in rows if not row.faults for key in _conflict_keys(row, options)}


def _batches(rows: Iterable[ReadRow], options: ImportOptions) -> Iterator[list[ReadRow]]:
    batch: list[ReadRow] = []
    taken: set[Any] = set()
    for row in rows:
        keys = set() if row.faults else set(_conflict_keys(row, options))
        if taken & keys:
            yield batch
            batch, taken = [], set()
        batch.append(row)
        taken |= keys
    if batch:
        yield batch


def _conflict_keys(row: ReadRow, options: ImportOptions) -> Iterator[tuple[Any, ...]]:
    values = row.new_values | row.values
    if options.mode != CREATE and options.match_by is not None:
        yield "key", key_of(values, options.match_by)
    if "customer_code" in values:
        yield "code", values["customer_code"]
    if "name" in values and "company_name" in values:
        yield "name", values["name"], values["company_name"]
    if options.refuse_duplicates:
        # By all that the company's rules, which may change while the import runs, could go by.
        yield from DEFAULT.telling(row.new_keys | row.keys).items()


@dataclass(frozen=True, slots=True)
class Known:
    """A customer that a row is about: stored (`record`), or one that a row above would create."""

    id: int
    version: int
    document: Mapping[str, Any]
    record: Record | None = None


# What a new customer has where its row says nothing.
_NEW: Mapping[str, Any] = {
    **dict.fromkeys(CUSTOMER.columns),
    "customer_type": "individual",
    "status": "active",
    "priority": "medium",
    "credit_limit": "0.00",
    "tags": [],
}


# Of a name that its customer would have given up by now.
_FREE = 0


class _Batch:
    """Rows that cannot meet one another."""

    def __init__(self, session: Session, options: ImportOptions, outcome: Outcome) -> None:
        self._session = session
        self._options = options
        self._outcome = outcome

    def apply(self, rows: Sequence[ReadRow]) -> None:
        lists = Lists(self._session, rows, empties=self._options.empties)
        good = []
        for row in rows:
            faults = [*row.faults, *lists.settle(row)]
            if faults and self._options.mode == CREATE:
                # All in one go: also what would be found only of a row that is good otherwise.
                faults += row.late
                if "name" not in row.values | row.new_values and not {"name", None} & {fault.field for fault in faults}:
                    faults.append(_nameless(row))
            if faults:
                self._outcome.refuse(row, *faults)
            else:
                good.append(row)
        new, known = self._told_apart(good)
        self._change(known)
        for row in new:
            row.becomes_new()
        self._create(self._creatable(new))

    def _without(self, rows: Iterable[ReadRow], faults_of: Callable[[ReadRow], Sequence[Fault]]) -> list[ReadRow]:
        """The rows in which no fault is found."""
        good = []
        for row in rows:
            if faults := faults_of(row):
                self._outcome.refuse(row, *faults)
            else:
                good.append(row)
        return good

    def _told_apart(self, rows: Sequence[ReadRow]) -> tuple[list[ReadRow], list[tuple[ReadRow, Known]]]:
        """The rows of new customers, and those of known ones with these, locked."""
        match_by = self._options.match_by
        if self._options.mode == CREATE or match_by is None:
            return list(rows), []
        matches = find_matches(self._session, match_by, {key_of(row.values, match_by) for row in rows})
        new: list[ReadRow] = []
        ids: dict[int, ReadRow] = {}
        known = []
        for row in rows:
            before = self._options.seen.get("key", key_of(row.values, match_by))
            if before is not None and before["id"] < 0:  # A row above makes it.
                known.append((row, Known(before["id"], 0, _NEW | before["values"])))
                continue
            hits = matches.get(key_of(row.values, match_by), [])
            if (fault := self._mismatch(row, match_by, hits, ids)) is not None:
                self._outcome.refuse(row, fault)
            elif hits:
                ids[hits[0][0]] = row
            else:
                new.append(row)
        records = lock_many(self._session, RECORDS, ids, lock=self._options.writes)
        for customer_id, row in ids.items():
            record = records.get(customer_id)
            if record is None or record.document["archived_at"] is not None:
                detail = "The customer was archived or removed meanwhile."
                self._outcome.refuse(row, Fault(row.line, match_by, "customer_archived", detail))
            else:
                before = self._options.seen.get("key", key_of(row.values, match_by))
                changed = before["values"] if before is not None else {}
                known.append((row, Known(record.id, record.version, record.document | changed, record)))
        return new, known

    def _mismatch(
        self, row: ReadRow, match_by: str, hits: Sequence[tuple[int, bool]], ids: Mapping[int, ReadRow]
    ) -> Fault | None:
        """Why a row is about none of the customers that were found for it."""
        given = str(row.values[match_by])
        if len(hits) > 1:
            detail = f"{len(hits)} customers have this; find them by something else."
            return Fault(row.line, match_by, "ambiguous_match", detail, given)
        if hits and hits[0][1]:
            detail = "The customer is archived, or merged into another one."
            return Fault(row.line, match_by, "customer_archived", detail, given)
        if hits and hits[0][0] in ids:
            detail = f"Line {ids[hits[0][0]].line} is about the same customer."
            return Fault(row.line, match_by, "conflict", detail, given)
        if not hits and (self._options.mode == UPDATE or match_by == "id"):
            return Fault(row.line, match_by, "customer_not_found", "There is no such customer.", given)
        return None

    def _change(self, known: Sequence[tuple[ReadRow, Known]]) -> None:
        changes = [(row, record, _changed_values(row.values, record.document)) for row, record in known]
        wanted = {
            row.line: tuple(values.get(name, record.document[name]) for name in ("name", "company_name"))
            for row, record, values in changes
            if "name" in values or "company_name" in values
        }
        taken = self._taken(wanted.values())
        passed = []
        for row, record, values in changes:
            code = row.values.get("customer_code", record.document["customer_code"])
            if code != record.document["customer_code"]:
                detail = f"The customer's code is {record.document['customer_code'] or 'another one'} and stays so."
                self._outcome.refuse(row, Fault(row.line, "customer_code", "code_fixed", detail, code))
            elif taken.get(wanted.get(row.line, ("", "")), record.id) != record.id:
                self._outcome.refuse(row, _same_name(row))
            elif not values:
                self._outcome.unchanged += 1
            else:
                passed.append((row, record, values))
        versions = {record.id: record.version for _, record, _ in passed}
        if self._options.writes:
            keyed = [(record.record, values | _keys_of(row, values)) for row, record, values in passed if record.record]
            after = change_many(self._session, RECORDS, CUSTOMER_UPDATED, keyed)
            versions = {known_id: record.version for known_id, record in after.items()}
        for row, record, values in passed:
            fields = {name: [record.document[name], value] for name, value in values.items()}
            self._outcome.updated.append((row.line, record.id, versions[record.id], fields))
            if not self._options.writes:
                if row.line in wanted:
                    old = (record.document["name"], record.document["company_name"])
                    self._options.seen.put("name", *old, entry=_FREE)
                self._leave(row, record.id, wanted.get(row.line), values)

    def _leave(self, row: ReadRow, customer_id: int, name: tuple[Any, ...] | None, values: Mapping[str, Any]) -> None:
        """Leave for the rows below what this one would do; who it would create has its line, below zero, for an id."""
        seen, match_by = self._options.seen, self._options.match_by
        if name is not None and None not in name:
            seen.put("name", *name, entry=customer_id)
        if customer_id < 0 and (code := values.get("customer_code")) is not None:
            seen.put("code", code, entry=customer_id)
        if self._options.mode != CREATE and match_by is not None and row.values.get(match_by) is not None:
            key = ("key", key_of(row.values, match_by))
            before = seen.get(*key) or {"values": {}}
            seen.put(*key, entry={"id": customer_id, "values": before["values"] | dict(values)})

    def _creatable(self, rows: Sequence[ReadRow]) -> list[ReadRow]:
        codes = taken_codes(self._session, {code for row in rows if (code := row.values.get("customer_code"))})
        names = self._taken((row.values.get("name"), row.values.get("company_name")) for row in rows)
        likely = Likely(self._session, rows, self._options) if self._options.duplicates != ALLOW else None
        seen = self._options.seen

        def faults(row: ReadRow) -> list[Fault]:
            code, name = row.values.get("customer_code"), row.values.get("name")
            found = list(row.faults)
            if name is None:
                found.append(_nameless(row))
            if code is not None and (code in codes or seen.get("code", code) is not None):
                found.append(Fault(row.line, "customer_code", "customer_code_taken", "A customer has this code.", code))
            if code is not None and rules.GENERATED_CODE.match(code):
                if self._options.match_by == "customer_code":
                    detail = "There is no customer with this code, and codes of this form are given out by the service."
                    found.append(Fault(row.line, "customer_code", "customer_not_found", detail, code))
                else:
                    row.values.pop("customer_code")
                    row.warn(
                        "customer_code", "code_left_aside", "Codes of this form are given out by the service.", code
                    )
            if (name, row.values.get("company_name")) in names:
                found.append(_same_name(row))
            if not found and likely is not None and (sentence := likely.sentence(row)) is not None:
                if self._options.refuse_duplicates:
                    found.append(Fault(row.line, None, "possible_duplicate", sentence, name))
                else:
                    self._outcome.duplicates += 1
                    row.warn(None, "possible_duplicate", sentence, name)
            if not found and likely is not None and self._options.tells_duplicates:
                likely.leave(row)
            return found

        return self._without(rows, faults)

    def _create(self, rows: Sequence[ReadRow]) -> None:
        uncoded = sum("customer_code" not in row.values for row in rows)
        self._outcome.codes += uncoded
        if self._options.draw_codes is None:
            self._outcome.created += [(row.line, 0, 0) for row in rows]
            for row in rows:
                self._leave(row, -row.line, (row.values.get("name"), row.values.get("company_name")), row.values)
            return
        numbers = iter(self._options.draw_codes(self._session, uncoded))
        documents = []
        for row in rows:
            values = {"customer_code": f"C-{next(numbers):06}"} if "customer_code" not in row.values else {}
            values |= row.values | row.keys | {"created_by": current().user_id}
            values.pop("id", None)
            documents.append(values)
        created = create_many(self._session, RECORDS, CUSTOMER_CREATED, documents)
        self._outcome.created += [(row.line, *known) for row, known in zip(rows, created, strict=True)]

    def _taken(self, names: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], int]:
        # As the unique index has it: a company without a name is one company, no company at all is none.
        given = [(name, company) for name, company in names if name is not None and company is not None]
        taken: dict[tuple[Any, ...], int] = dict(
            taken_names(self._session, [{"name": name, "company_name": company} for name, company in given])
        )
        for pair in given:
            if (before := self._options.seen.get("name", *pair)) is not None:
                taken[pair] = before
                if before == _FREE:
                    del taken[pair]
        return taken


def _changed_values(values: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if name not in _ONLY_NEW
        and (Decimal(value) != Decimal(document[name]) if name == "credit_limit" else value != document[name])
    }


def _keys_of(row: ReadRow, values: Mapping[str, Any]) -> dict[str, Any]:
    """The matching keys that follow from the values that change."""
    return {name: row.keys[name] for name in customer_keys(dict.fromkeys(values)) if name in row.keys}


def _nameless(row: ReadRow) -> Fault:
    detail = "A new customer needs a name, a company or an e-mail address."
    return Fault(row.line, "name", "required", detail)


def _same_name(row: ReadRow) -> Fault:
    detail = "There is a customer of this name at this company already."
    return Fault(row.line, "name", "customer_exists", detail, row.values.get("name"))
