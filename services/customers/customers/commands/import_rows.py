"""The rows of an import as customers: found, checked against what is there, created and changed, many at a time.

Rows take effect as if they came one after the other. So a batch ends before a row that could meet one of the batch: one
of the same customer, of the same code or name, or, where the company refuses duplicates, one that is like it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from sqlalchemy import BigInteger, bindparam
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.bulk import change_many, create_many, lock_many
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from customers import rules
from customers.commands.customers import lock_creation
from customers.events import CUSTOMER_CREATED, CUSTOMER_UPDATED
from customers.models import USERS, customer_codes
from customers.queries.customers import RECORDS
from customers.queries.duplicates import find_duplicates
from customers.queries.matches import find_matches, known_industries, taken_codes, taken_names
from customers.rules.duplicates import DEFAULT
from customers.rules.importing import CREATE, UPDATE
from customers.rules.keys import customer_keys
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
class Fault:
    """What is wrong with a row: the field (None where it is the row as a whole), a code, a sentence, the text."""

    line: int
    field: str | None
    code: str
    message: str
    value: str | None = None


@dataclass(slots=True)
class ReadRow:
    """A row as a customer's values and matching keys; what has faults already is not looked at further."""

    line: int
    values: dict[str, Any]
    keys: dict[str, Any]
    faults: list[Fault]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The row that was dumped as this JSON object."""
        faults = [Fault(**fault) for fault in document["faults"]]
        return cls(document["line"], document["values"], document["keys"], faults)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How rows become customers; `draw_codes` answers the numbers of so many new codes, without it none is written."""

    mode: str
    match_by: str | None
    refuse_duplicates: bool
    draw_codes: Callable[[Session, int], Iterable[int]] | None = None

    @property
    def writes(self) -> bool:
        return self.draw_codes is not None


@dataclass(slots=True)
class Outcome:
    """What became of rows: (line, id, version) of those created, with the changed fields of those updated."""

    created: list[tuple[int, int, int]] = field(default_factory=list)
    updated: list[tuple[int, int, int, dict[str, Any]]] = field(default_factory=list)
    unchanged: int = 0
    failed: int = 0
    codes: int = 0
    faults: list[Fault] = field(default_factory=list)

    def __add__(self, later: Self) -> Self:
        """What became of these rows and of later ones."""
        return type(self)(*(getattr(self, name) + getattr(later, name) for name in self.__slots__))

    def refuse(self, row: ReadRow, *faults: Fault) -> None:
        """Count a row among those that failed."""
        self.failed += 1
        self.faults += faults or row.faults


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


def _conflict_keys(row: ReadRow, options: ImportOptions) -> Iterator[Any]:
    values = row.values
    if options.mode != CREATE and options.match_by is not None:
        yield "key", key_of(values, options.match_by)
    if "customer_code" in values:
        yield "code", values["customer_code"]
    if "name" in values and "company_name" in values:
        yield "name", values["name"], values["company_name"]
    if options.refuse_duplicates:
        # By all that the company's rules, which may change while the import runs, could go by.
        yield from DEFAULT.telling(row.keys).items()


class _Batch:
    """Rows that cannot meet one another."""

    def __init__(self, session: Session, options: ImportOptions, outcome: Outcome) -> None:
        self._session = session
        self._options = options
        self._outcome = outcome

    def apply(self, rows: Sequence[ReadRow]) -> None:
        good = self._without(rows, lambda row: row.faults)
        good = self._assigned(self._of_known_industries(good))
        new, known = self._told_apart(good)
        self._change(known)
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

    def _of_known_industries(self, rows: Sequence[ReadRow]) -> list[ReadRow]:
        named = {row.values["industry"] for row in rows if "industry" in row.values}
        unknown = named - set(rules.INDUSTRIES)
        unknown -= known_industries(self._session, unknown)

        def faults(row: ReadRow) -> list[Fault]:
            name = row.values.get("industry")
            if name not in unknown:
                return []
            return [Fault(row.line, "industry", "unknown_industry", "There is no such industry in this company.", name)]

        return self._without(rows, faults)

    def _assigned(self, rows: Sequence[ReadRow]) -> list[ReadRow]:
        """With the ids of the assignees in the place of their e-mail addresses."""
        found = USERS.find_people(
            self._session, {row.values["assigned_to"] for row in rows if "assigned_to" in row.values}
        )

        def faults(row: ReadRow) -> list[Fault]:
            given = row.values.get("assigned_to")
            if given is None:
                return []
            user_id, active = found.get(given, (None, False))
            if user_id is None:
                detail = "There is no such user in this company."
                return [Fault(row.line, "assigned_to", "unknown_user", detail, str(given))]
            if not active:
                detail = "This user is not active in the company."
                return [Fault(row.line, "assigned_to", "inactive_user", detail, str(given))]
            row.values["assigned_to"] = user_id
            return []

        return self._without(rows, faults)

    def _told_apart(self, rows: Sequence[ReadRow]) -> tuple[list[ReadRow], list[tuple[ReadRow, Record]]]:
        """The rows of new customers, and those of known ones with these, locked."""
        match_by = self._options.match_by
        if self._options.mode == CREATE or match_by is None:
            return list(rows), []
        matches = find_matches(self._session, match_by, {key_of(row.values, match_by) for row in rows})
        new: list[ReadRow] = []
        ids: dict[int, ReadRow] = {}
        for row in rows:
            hits = matches.get(key_of(row.values, match_by), [])
            given = str(row.values[match_by])
            if len(hits) > 1:
                detail = f"{len(hits)} customers have this; find them by something else."
                self._outcome.refuse(row, Fault(row.line, match_by, "ambiguous_match", detail, given))
            elif hits and hits[0][1]:
                detail = "The customer is archived, or merged into another one."
                self._outcome.refuse(row, Fault(row.line, match_by, "customer_archived", detail, given))
            elif hits and hits[0][0] in ids:
                detail = f"Line {ids[hits[0][0]].line} is about the same customer."
                self._outcome.refuse(row, Fault(row.line, match_by, "conflict", detail, given))
            elif hits:
                ids[hits[0][0]] = row
            elif self._options.mode == UPDATE or match_by == "id":
                detail = "There is no such customer."
                self._outcome.refuse(row, Fault(row.line, match_by, "customer_not_found", detail, given))
            else:
                new.append(row)
        records = lock_many(self._session, RECORDS, ids, lock=self._options.writes)
        known = []
        for customer_id, row in ids.items():
            record = records.get(customer_id)
            if record is None or record.document["archived_at"] is not None:
                detail = "The customer was archived or removed meanwhile."
                self._outcome.refuse(row, Fault(row.line, match_by, "customer_archived", detail))
            else:
                known.append((row, record))
        return new, known

    def _change(self, known: Sequence[tuple[ReadRow, Record]]) -> None:
        documents = [(row, record, record.document) for row, record in known]
        changes = [
            (row, record, document, _changed_values(row.values, document)) for row, record, document in documents
        ]
        wanted = {
            row.line: (values.get("name", document["name"]), values.get("company_name", document["company_name"]))
            for row, _, document, values in changes
            if "name" in values or "company_name" in values
        }
        taken = self._taken(wanted.values())
        passed = []
        for row, record, document, values in changes:
            code = row.values.get("customer_code", document["customer_code"])
            if code != document["customer_code"]:
                detail = f"The customer's code is {document['customer_code']} and stays so."
                self._outcome.refuse(row, Fault(row.line, "customer_code", "code_fixed", detail, code))
            elif taken.get(wanted.get(row.line, ("", "")), record.id) != record.id:
                self._outcome.refuse(row, _same_name(row))
            elif not values:
                self._outcome.unchanged += 1
            else:
                passed.append((row, record, document, values))
        versions = {record.id: record.version for _, record, _, _ in passed}
        if self._options.writes:
            keyed = [(record, values | _keys_of(row, values)) for row, record, _, values in passed]
            after = change_many(self._session, RECORDS, CUSTOMER_UPDATED, keyed)
            versions = {known_id: record.version for known_id, record in after.items()}
        for row, record, document, values in passed:
            fields = {name: [document[name], value] for name, value in values.items()}
            self._outcome.updated.append((row.line, record.id, versions[record.id], fields))

    def _creatable(self, rows: Sequence[ReadRow]) -> list[ReadRow]:
        codes = taken_codes(self._session, {code for row in rows if (code := row.values.get("customer_code"))})
        names = self._taken((row.values.get("name"), row.values.get("company_name")) for row in rows)

        def faults(row: ReadRow) -> list[Fault]:
            code, name = row.values.get("customer_code"), row.values.get("name")
            if name is None:
                return [Fault(row.line, "name", "required", "A new customer needs a name.")]
            if code in codes:
                return [Fault(row.line, "customer_code", "customer_code_taken", "A customer has this code.", code)]
            if code is not None and rules.GENERATED_CODE.match(code):
                detail = "There is no customer with this code, and codes of this form are given out by the service."
                return [Fault(row.line, "customer_code", "customer_not_found", detail, code)]
            if (name, row.values.get("company_name")) in names:
                return [_same_name(row)]
            if self._options.refuse_duplicates:
                found = find_duplicates(self._session, row.values | row.keys)
                if found["candidates"] or found["hidden"]:
                    ids = ", ".join(str(candidate["customer"]["id"]) for candidate in found["candidates"])
                    detail = f"Probably the same as customer {ids or 'of a colleague'}."
                    return [Fault(row.line, None, "possible_duplicate", detail, name)]
            return []

        return self._without(rows, faults)

    def _create(self, rows: Sequence[ReadRow]) -> None:
        uncoded = sum("customer_code" not in row.values for row in rows)
        self._outcome.codes += uncoded
        if self._options.draw_codes is None:
            self._outcome.created += [(row.line, 0, 0) for row in rows]
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

    def _taken(self, names: Iterable[tuple[str | None, str | None]]) -> dict[tuple[str, str], int]:
        # As the unique index has it: a company without a name is one company, no company at all is none.
        given = [
            {"name": name, "company_name": company}
            for name, company in names
            if name is not None and company is not None
        ]
        return taken_names(self._session, given)


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


def _same_name(row: ReadRow) -> Fault:
    detail = "There is a customer of this name at this company already."
    return Fault(row.line, "name", "customer_exists", detail, row.values.get("name"))
