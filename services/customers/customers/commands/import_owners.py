"""Whose contacts the rows of an import are: customers found by what rows say of them, many at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chassis.db.session import Session
from chassis.matching_keys import keys_of_name
from customers.queries.matches import find_matches
from customers.rules.contact_import_fields import OF_CUSTOMER
from imports.rows import Fault, ReadRow
from people.domains import domain_key, says_nothing

_Found = Mapping[Any, Sequence[tuple[int, bool]]]
UNKNOWN, SEVERAL, ARCHIVED, UNSAID = "customer_not_found", "ambiguous_customer", "customer_archived", "required"
_CODES = frozenset((UNKNOWN, SEVERAL, ARCHIVED, UNSAID))


def settle_owners(session: Session, rows: Iterable[ReadRow], *, free_mail: frozenset[str]) -> None:
    """Put into rows the ids of the customers that they name; what is wrong counts for new contacts alone.

    It may be done again: a row that has been settled is left as it is.
    """
    open_rows = [row for row in rows if not any(fault.code in _CODES for fault in row.late)]
    if open_rows:
        owners = _Owners(session, [row for row in open_rows if not row.faults], free_mail)
        for row in open_rows:
            owner = owners.settle(row) if not row.faults else None
            for name in OF_CUSTOMER:
                row.values.pop(name, None)
            if owner is not None:
                row.values["customer_id"] = owner


class _Owners:
    """The customers that some rows name."""

    def __init__(self, session: Session, rows: Sequence[ReadRow], free_mail: frozenset[str]) -> None:
        self._free_mail = free_mail

        def find(match_by: str, keys: Iterable[Any]) -> _Found:
            wanted = set(keys) - {None}
            return find_matches(session, match_by, wanted) if wanted else {}

        self._by_id = find("id", (row.values.get("customer_id") for row in rows))
        self._by_code = find("customer_code", (row.values.get("customer_code") for row in rows))
        names = {key for row in rows for key in _name_keys(row)}
        self._by_name = find("name", names)
        self._by_other_name = find("name_two", names)
        self._by_domain = find("domain", (key for row in rows for key in (self._page(row), self._address(row))))

    def settle(self, row: ReadRow) -> int | None:
        """The customer that a row names; None with a fault for new contacts where that is nobody, or several."""
        given = [name for name in OF_CUSTOMER if row.values.get(name) is not None]
        gone = False
        for name, hits in self._hits(row, given):
            live = {known for known, archived in hits if not archived}
            gone = gone or (bool(hits) and not live)
            if len(live) > 1:
                live = self._narrowed(row, live)
            if len(live) == 1:
                return live.pop()
            if live:
                detail = f"{len(live)} customers are called so; say which by its code."
                row.late.append(Fault(row.line, name, SEVERAL, detail, _shown(row, name)))
                return None
        if not given:
            detail = "The row does not say whose contact it is: by the customer's code, name, website or id."
            row.late.append(Fault(row.line, "company_name", UNSAID, detail))
        elif gone:
            detail = "The customer is archived, or merged into one that is."
            row.late.append(Fault(row.line, given[0], ARCHIVED, detail, _shown(row, given[0])))
        else:
            row.late.append(Fault(row.line, given[0], UNKNOWN, "There is no such customer.", _shown(row, given[0])))
        return None

    def _hits(self, row: ReadRow, given: Sequence[str]) -> Iterable[tuple[str, Sequence[tuple[int, bool]]]]:
        values = row.values
        yield "customer_id", self._by_id.get(values.get("customer_id"), ())
        yield "customer_code", self._by_code.get(values.get("customer_code"), ())
        named = [
            hit
            for key in _name_keys(row)
            for found in (self._by_name, self._by_other_name)
            for hit in found.get(key, ())
        ]
        yield "company_name", named
        yield "website", self._by_domain.get(self._page(row), ())
        if not given:  # Who names another company works there, whatever the address is.
            yield "email", self._by_domain.get(self._address(row), ())

    def _narrowed(self, row: ReadRow, live: set[int]) -> set[int]:
        """Of several customers the one whose pages are where the row's page or address is."""
        for key in (self._page(row), self._address(row)):
            there = live & {known for known, archived in self._by_domain.get(key, ()) if not archived}
            if len(there) == 1:
                return there
        return live

    def _page(self, row: ReadRow) -> str | None:
        return self._telling(domain_key(row.values.get("website")))

    def _address(self, row: ReadRow) -> str | None:
        return self._telling(domain_key((row.values.get("email") or "").rpartition("@")[2] or None))

    def _telling(self, domain: str | None) -> str | None:
        return None if domain is None or domain in self._free_mail or says_nothing(domain) else domain


def _name_keys(row: ReadRow) -> list[str]:
    """The keys of a company's name, with its form of company and without."""
    name = row.values.get("company_name")
    if not name:
        return []
    keys = (key for firm in (True, False) for key in keys_of_name(name, firm=firm).values())
    return list(dict.fromkeys(key for key in keys if key is not None))


def _shown(row: ReadRow, name: str) -> str | None:
    value = row.values.get(name)
    return None if value is None else str(value)
