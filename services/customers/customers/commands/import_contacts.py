"""Contacts as the rows of files: whose they are, by what they are found, and how they become new ones."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from chassis.context import current
from chassis.db.bulk import lock_many
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.matching_keys import matching_keys
from customers.commands.contacts import MOST_OF_A_CUSTOMER
from customers.commands.import_owners import settle_owners
from customers.commands.import_rows import Company, read_company
from customers.events import CONTACT_CREATED, CONTACT_PURGED, CONTACT_UPDATED
from customers.queries.contact_matches import count_contacts, countries_of, find_contacts
from customers.queries.contacts import RECORDS
from customers.queries.customers import RECORDS as CUSTOMERS
from customers.rules.contact_import_fields import CATALOGUE, KEYS, OF_CUSTOMER
from customers.views import CONTACT
from imports.engine.lifecycle import UPDATE
from imports.engine.target import Change, RowOptions, Target
from imports.rows import Fault, Outcome, ReadRow
from imports.seen import Key
from people.emails import email_key

_KEYED = ("email", "phone")


class ContactTarget(Target):
    """Contacts: people at customers that are there."""

    noun = "contact"
    records = RECORDS
    created, updated, purged = CONTACT_CREATED, CONTACT_UPDATED, CONTACT_PURGED
    catalogue = CATALOGUE
    match_by: ClassVar[Sequence[str]] = KEYS
    needed: ClassVar[Sequence[str]] = ("first_name", "name", "last_name", "email")
    # A contact stays where it is.
    only_new = ("id", "customer_id", "created_at")
    blank: ClassVar[Mapping[str, Any]] = {**dict.fromkeys(CONTACT.columns), "is_primary": False}

    def around(self, session: Session) -> Company:
        """Where the company's numbers are from, and which domains say nothing."""
        return read_company(session)

    def key_of(self, values: Mapping[str, Any], match_by: str) -> Any:
        """What a row's contact is found by."""
        return email_key(values["email"]) if match_by == "email" else values[match_by]

    def find(self, session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
        """The contacts with these keys."""
        return find_contacts(session, match_by, keys)

    def is_shown(self, document: Mapping[str, Any]) -> bool:  # noqa: ARG002  # A hook.
        """Always: a contact stays at its customer."""
        return True

    def lookups(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> set[Key]:
        """Besides what they are found by, how many contacts their customers get from rows before."""
        self.settle(session, rows, options)
        owners = {owner for row in rows if (owner := row.values.get("customer_id")) is not None}
        return self.conflict_keys(rows, options) | {("of", owner) for owner in owners}

    def settle(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> dict[int, list[Fault]]:
        """Put into rows whose contacts they are."""
        if options.mode == UPDATE:
            for row in rows:
                for name in OF_CUSTOMER:
                    row.values.pop(name, None)
        else:
            settle_owners(session, rows, free_mail=options.around.rules.free_mail)
        return {}

    def lacking(self, row: ReadRow) -> Fault | None:
        """A new contact has a first name."""
        if (row.values | row.new_values).get("first_name") is not None:
            return None
        return Fault(row.line, "first_name", "required", "A new contact needs a name or an e-mail address.")

    def refuse_new(
        self,
        session: Session,
        rows: Sequence[ReadRow],
        options: RowOptions,
        outcome: Outcome,  # noqa: ARG002  # A hook.
    ) -> dict[int, list[Fault]]:
        """A customer is live and has at most so many contacts; it is locked, so that neither changes meanwhile."""
        good = [row for row in rows if not row.faults]
        owners = {row.values["customer_id"] for row in good}
        locked = lock_many(session, CUSTOMERS, owners, lock=options.writes)
        counts = count_contacts(session, owners)
        added: Counter[int] = Counter()
        faults: dict[int, list[Fault]] = {}
        for row in good:
            owner = row.values["customer_id"]
            customer = locked.get(owner)
            before = options.seen.get("of", owner) or 0
            # Below zero is one that a row of the file would make.
            if owner > 0 and (customer is None or customer.document["archived_at"] is not None):
                detail = "The customer was archived or removed meanwhile."
                faults[row.line] = [Fault(row.line, "company_name", "customer_archived", detail)]
            elif counts.get(owner, 0) + before + added[owner] >= MOST_OF_A_CUSTOMER:
                detail = f"A customer has at most {MOST_OF_A_CUSTOMER} contacts."
                faults[row.line] = [Fault(row.line, "company_name", "too_many_contacts", detail)]
            else:
                added[owner] += 1
        if not options.writes:
            for owner, more in added.items():
                options.seen.put("of", owner, entry=(options.seen.get("of", owner) or 0) + more)
        return faults

    def new_values(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[dict[str, Any]]:
        """The columns of new contacts."""
        keys = _keys(session, [(row.values["customer_id"], row.values) for row in rows], options.around)
        actor = {"created_by": current().user_id}
        given = [{name: value for name, value in row.values.items() if name != "id"} for row in rows]
        return [values | own | actor for values, own in zip(given, keys, strict=True)]

    def keys_of_changes(self, session: Session, changes: Sequence[Change], around: Company) -> list[dict[str, Any]]:
        """The keys that follow from the values that change."""
        pairs = [(change.known.document["customer_id"], change.values) for change in changes]
        return _keys(session, pairs, around)

    def set_back(
        self, session: Session, back: Sequence[tuple[Record, dict[str, Any]]], around: Company
    ) -> list[tuple[Record, dict[str, Any]]]:
        """What was before, with the keys that follow from it."""
        keys = _keys(session, [(record.document["customer_id"], values) for record, values in back], around)
        return [(record, values | own) for (record, values), own in zip(back, keys, strict=True)]


def _keys(session: Session, given: Iterable[tuple[int, Mapping[str, Any]]], around: Company) -> list[dict[str, Any]]:
    """The matching keys of contacts of these customers: numbers are from where the customer is, else the company."""
    pairs = list(given)
    countries = countries_of(session, {owner for owner, values in pairs if values.get("phone")})
    found = []
    for owner, values in pairs:
        named = {name: values[name] for name in _KEYED if name in values} | {"country": countries.get(owner)}
        found.append({name: key for name, key in matching_keys(named, around.region).items() if name != "phone_tail"})
    return found
