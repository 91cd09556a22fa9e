"""Customers with contacts as the rows of a file: companies and who works there, and people without a company.

A row with a company is about a person there: the company is found or made, whatever the mode is, and stays as it is
where it is there. A row without one is about a customer, as in an import of customers.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from chassis.db.bulk import lock_many
from chassis.db.session import Session
from chassis.matching_keys import keys_of_name
from customers.commands.import_checks import doubt_unknown
from customers.commands.import_companies import Companies, PrivateTarget, keys_of_company, keys_of_private
from customers.commands.import_contacts import ContactTarget
from customers.commands.import_rows import Company as Tenant
from customers.commands.import_rows import CustomerTarget
from customers.queries.contact_matches import find_contacts, find_named_contacts
from customers.rules import CUSTOMER_TYPES
from customers.rules.import_fields import CHOICES_OF
from customers.rules.keys import customer_keys
from customers.rules.people_import_fields import (
    CATALOGUE,
    COMPANY_S,
    KEYS,
    company_values,
    names_company,
    names_person,
    person_values,
    private_values,
)
from imports.engine.above import Above
from imports.engine.batches import apply_to_records
from imports.engine.lifecycle import CREATE, UPDATE
from imports.engine.target import RowOptions, Target
from imports.proposal import Proposal
from imports.rows import Fault, Outcome, ReadRow
from imports.seen import Key
from people.emails import email_key
from people.tags import tag_key

_CUSTOMERS = PrivateTarget()
_COMPANIES = CustomerTarget()
_NAMED = "named"


class PeopleTarget(ContactTarget):
    """People at companies, which become contacts, and beside them the customers that their rows make."""

    catalogue = CATALOGUE
    choices = CHOICES_OF
    match_by = KEYS
    needed = ("company_name", "name", "first_name", "last_name", "email")
    beside: ClassVar[Target | None] = _CUSTOMERS

    def doubt(self, session: Session, proposal: Proposal) -> Proposal:
        """Doubt columns whose samples are no industry and no member of the company."""
        return doubt_unknown(session, proposal)

    def add_keys(self, row: ReadRow, around: Tenant) -> None:
        """Add the keys that the row's customer is found by."""
        firm = names_company(row.values)
        row.keys = customer_keys(company_values(row.values) if firm else private_values(row.values), around.region)
        if "name" in row.new_values:
            row.new_keys = keys_of_name(
                row.new_values["name"], firm=row.values.get("customer_type") == CUSTOMER_TYPES[1]
            )

    def draw_numbers(self, session: Session, count: int) -> range:
        """Draw so many of the company's next codes."""
        return _CUSTOMERS.draw_numbers(session, count)

    def analyze(self, session: Session) -> None:
        """Let PostgreSQL look at the table of customers."""
        _CUSTOMERS.analyze(session)

    def conflict_keys(self, rows: Iterable[ReadRow], options: RowOptions) -> set[Key]:
        """What the rows' customers could meet others by, and what people are found by."""
        good = [row for row in rows if not row.faults]
        return _company_keys(good) | _CUSTOMERS.conflict_keys(_customer_rows(good), _making(options))

    def lookups(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> set[Key]:
        """What the customers and the addresses of rows were left under; people's names wait for their companies."""
        good = [row for row in rows if not row.faults]
        customers = _CUSTOMERS.lookups(session, _customer_rows(good), options)
        people = {("key", email_key(email)) for row in good if (email := row.values.get("email")) is not None}
        customers |= _company_keys(good)
        return {("customer", *key) for key in customers} | {("contact", *key) for key in people}

    def apply(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> Outcome:
        """Apply first who has no company, then companies, then people there."""
        outcome = Outcome()
        private: list[ReadRow] = []
        working: list[ReadRow] = []
        for row in rows:
            if row.faults:
                outcome.refuse(row, *row.faults, *row.late)
            else:
                (working if names_company(row.values) else private).append(row)
        self._apply_private(session, private, options, outcome)
        self._apply_working(session, working, options, outcome)
        return outcome

    def settle(
        self,
        session: Session,  # noqa: ARG002  # A hook.
        rows: Sequence[ReadRow],  # noqa: ARG002  # Their companies are known.
        options: RowOptions,  # noqa: ARG002
    ) -> dict[int, list[Fault]]:
        """Nothing: the rows have been settled with their companies."""
        return {}

    def key_of(self, values: Mapping[str, Any], match_by: str) -> Any:
        """The address, else the name and whose contact it is."""
        if values.get(match_by) is not None:
            return super().key_of(values, match_by)
        return _name_key(values.get("customer_id"), values.get("first_name"), values.get("last_name"))

    def keys_left(self, values: Mapping[str, Any], match_by: str) -> list[Any]:
        """The address and the name: rows below may have only the name."""
        keys = super().keys_left(values, match_by)
        if values.get("customer_id") is not None:
            keys.append(_name_key(values["customer_id"], values.get("first_name"), values.get("last_name")))
        return keys

    def lacking(self, row: ReadRow) -> Fault | None:
        """Somebody new has a name and a company; a row that was to change somebody may find them gone."""
        if "customer_id" not in row.values:
            detail = "Whoever has this address was archived or removed meanwhile, or the row above was refused."
            return Fault(row.line, "email", "contact_not_found", detail, row.values.get("email"))
        return super().lacking(row)

    def find(self, session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
        """The contacts with these addresses, or names at their customers."""
        found = find_contacts(session, match_by, [key for key in keys if isinstance(key, str)])
        named = {key for key in keys if not isinstance(key, str)}
        owners = {key[1] for key in named if key[1] is not None and key[1] > 0}
        for known, owner, first, last in find_named_contacts(session, owners):
            if (key := _name_key(owner, first, last)) in named:
                found.setdefault(key, []).append((known, False))
        return found

    def _apply_private(self, session: Session, rows: Sequence[ReadRow], options: RowOptions, outcome: Outcome) -> None:
        given = {row.line: row for row in rows}
        within = replace(options, seen=options.seen.within("customer"))
        done = apply_to_records(session, _CUSTOMERS, _customer_rows(rows), within)
        outcome.faults += [_said(fault, given[fault.line], _private_names(given[fault.line])) for fault in done.faults]
        outcome.beside_created += done.created
        outcome.beside_updated += done.updated
        outcome.unchanged += done.unchanged
        outcome.failed += done.failed
        outcome.codes += done.codes
        outcome.duplicates += done.duplicates

    def _apply_working(self, session: Session, rows: Sequence[ReadRow], options: RowOptions, outcome: Outcome) -> None:
        rows = _settled(session, rows, options, outcome)
        owners = _Owners(session, rows, _known_addresses(session, rows, options), options, outcome)
        people = []
        for row in rows:
            if row.line in owners.refused:
                continue
            owner = owners.of.get(row.line)
            if names_person(row.values):
                people.append(_person(row, owner, options))
            elif row.line not in owners.made:
                outcome.unchanged += 1
        within = replace(options, seen=options.seen.within("contact"))
        if not options.writes:
            within.seen.load({("of", owner) for owner in owners.of.values()})
            within.seen.load({key for row in people for key in self.keys_of_row(row, within)})
        done = apply_to_records(session, self, people, within)
        outcome.created += done.created
        outcome.updated += done.updated
        outcome.unchanged += done.unchanged
        outcome.failed += done.failed
        outcome.duplicates += done.duplicates
        given = {row.line: row for row in rows}
        outcome.faults += [_said(fault, given[fault.line], _person_names(given[fault.line])) for fault in done.faults]


class _Owners:
    """The companies of rows: found, or made of the first row that names one; `of` are their ids by line."""

    def __init__(
        self, session: Session, rows: Sequence[ReadRow], there: set[str], options: RowOptions, outcome: Outcome
    ) -> None:
        self.of: dict[int, int] = {}
        # The lines that made one, and those whose company could not be found or made.
        self.made: set[int] = set()
        self.refused: set[int] = set()
        self._outcome = outcome
        companies = Companies(session, rows, options)
        for row in rows:
            # Who is there by the address, be it by a row above, stays there, whatever company the row has.
            address = email_key(row.values.get("email")) if options.mode != CREATE else None
            if address in there:
                _tell_left(row)
                continue
            found = companies.find(row)
            if found is None and options.mode == UPDATE:
                shown = row.values.get("company_name")
                found = Fault(row.line, "company_name", "customer_not_found", "There is no such customer.", shown)
            if isinstance(found, Fault):
                self._refuse(row, found)
            else:
                self.of[row.line] = companies.add(row) if found is None else found
                if address is not None:
                    there.add(address)
        self._tell(session, rows)
        self._make(session, companies, options)

    def _tell(self, session: Session, rows: Sequence[ReadRow]) -> None:
        """Say of rows whose company is stored what they say of it that it has not."""
        stored = {owner for owner in self.of.values() if owner > 0}
        known = lock_many(session, _COMPANIES.records, stored, lock=False)
        for row in rows:
            if (record := known.get(self.of.get(row.line, 0))) is not None:
                _tell_left(row, record.document)

    def _make(self, session: Session, companies: Companies, options: RowOptions) -> None:
        making = replace(_making(options), seen=options.seen.within("customer"))
        rows = []
        for company in companies.made:
            values, keys = company.merged(options.around.region)
            rows.append(ReadRow(company.rows[0].line, values, keys, warnings=company.rows[0].warnings))
        done = apply_to_records(session, _COMPANIES, rows, making)
        self._outcome.beside_created += done.created
        self._outcome.codes += done.codes
        self._outcome.duplicates += done.duplicates
        faults: dict[int, list[Fault]] = {}
        for fault in done.faults:
            faults.setdefault(-fault.line, []).append(fault)
        ids = {-line: known for line, known, _ in done.created}
        self.made = {line for line, _, _ in done.created}
        for company in companies.made:
            if company.id in faults:
                for row in company.rows:
                    names = _company_names(row)
                    self._refuse(
                        row, *(_said(replace(fault, line=row.line), row, names) for fault in faults[company.id])
                    )
            elif not options.writes:
                companies.leave(company)
        if options.writes:
            self.of = {line: ids.get(owner, owner) for line, owner in self.of.items()}

    def _refuse(self, row: ReadRow, *faults: Fault) -> None:
        self.refused.add(row.line)
        self.of.pop(row.line, None)
        self._outcome.refuse(row, *faults)


def _settled(session: Session, rows: Sequence[ReadRow], options: RowOptions, outcome: Outcome) -> list[ReadRow]:
    """The rows whose industries and members are known and put into them; the others are refused."""
    customers = _customer_rows(rows)
    unsettled = _CUSTOMERS.settle(session, customers, options)
    good = []
    for row, customer in zip(rows, customers, strict=True):
        faults = [*row.late, *unsettled.get(row.line, ())]
        if faults:
            outcome.refuse(row, *faults)
            continue
        values = {name: value for name, value in row.values.items() if name not in _LISTED or name in customer.values}
        settled = {name: customer.values[name] for name in _LISTED if name in customer.values}
        good.append(replace(row, values=values | settled))
    return good


_LISTED = ("industry", "assigned_to")
# What may be missing of a customer besides.
_MISSING = ("address", "zip_code", "city", "website")


def _tell_left(row: ReadRow, stored: Mapping[str, Any] | None = None) -> None:
    """Say what a row says of a customer that is there and has not got it: its notes and tags, where it was not read."""
    known = stored or {}
    tags = {tag_key(tag) for tag in known.get("tags", ())}
    left = {
        "notes": given if (given := row.values.get("notes")) and given not in (known.get("notes") or "") else None,
        "tags": ", ".join(tag for tag in row.values.get("tags", ()) if tag_key(tag) not in tags),
        **{name: row.values.get(name) for name in _MISSING if stored is not None and stored[name] is None},
    }
    for name, value in left.items():
        if value:
            row.warn(name, "left_over", "The customer is there already and stays as it is.", value)


def _known_addresses(session: Session, rows: Sequence[ReadRow], options: RowOptions) -> set[str]:
    """Those of the rows' addresses that contacts have, stored or of rows above."""
    if options.mode == CREATE:
        return set()
    keys = {key for row in rows if (key := email_key(row.values.get("email"))) is not None}
    stored = find_contacts(session, "email", keys)
    above = Above(options.seen.within("contact"))
    return {key for key in keys if above.find(key, stored.get(key, ()))}


def _customer_rows(rows: Iterable[ReadRow]) -> list[ReadRow]:
    """The customers of rows: their companies, and those who have none."""
    return [
        ReadRow(row.line, company_values(row.values), row.keys, warnings=row.warnings)
        if names_company(row.values)
        else replace(row, values=private_values(row.values), faults=[*row.faults], late=[*row.late])
        for row in rows
    ]


def _person(row: ReadRow, owner: int | None, options: RowOptions) -> ReadRow:
    values = person_values(row.values)
    if options.mode == CREATE and row.new_values:
        values.pop("last_name", None)  # It has become the first name.
    if owner is not None:
        values["customer_id"] = owner
    if "phone" in row.values and "secondary_phone" in row.values:
        detail = "A contact has no place for more of these."
        row.warn("secondary_phone", "left_over", detail, row.values["secondary_phone"])
    return ReadRow(row.line, values, warnings=row.warnings, new_values=row.new_values)


def _company_keys(rows: Iterable[ReadRow]) -> set[Key]:
    return {key for row in rows for key in (keys_of_company if names_company(row.values) else keys_of_private)(row)}


def _making(options: RowOptions) -> RowOptions:
    """How companies are made, whatever becomes of people."""
    return replace(options, mode=CREATE, match_by=None)


def _name_key(owner: int | None, first: str | None, last: str | None) -> Key:
    # Of one name the family's is taken for the first.
    names = dict.fromkeys(name.casefold() for name in (first, last) if name)
    return (_NAMED, owner, *names)


def _said(fault: Fault, row: ReadRow, names: Mapping[str, str]) -> Fault:
    """A fault in words of the file: of the field that the row has it from."""
    return replace(fault, field=names.get(fault.field or "", fault.field), line=row.line)


def _company_names(row: ReadRow) -> dict[str, str]:
    return {name: field for name, field in COMPANY_S.items() if name == "name" or field in row.values}


def _private_names(row: ReadRow) -> dict[str, str]:
    names = {"name": next((name for name in ("name", "first_name", "last_name") if name in row.values), "name")}
    return names | ({"customer_code": "contact_code"} if "contact_code" in row.values else {})


def _person_names(row: ReadRow) -> dict[str, str]:
    return {"first_name": "name"} if "name" in row.values else {}
