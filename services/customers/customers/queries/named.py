"""Which customer is meant by what files say of one: an id, a code, a name, a page or an address; many at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.db.session import Session
from chassis.matching_keys import keys_of_name
from customers.queries.contact_matches import find_employers
from customers.queries.matches import find_matches
from people.domains import domain_key, says_nothing
from people.emails import email_key

Named = Mapping[str, Any]
_Hits = Sequence[tuple[int, bool]]
_Found = Mapping[Any, _Hits]

UNKNOWN, SEVERAL, ARCHIVED, UNSAID = "customer_not_found", "ambiguous_customer", "customer_archived", "required"
# By what a customer is named, the surest first.
NAMED_BY = ("customer_id", "customer_code", "company_name", "website", "customer_email")


@dataclass(frozen=True, slots=True)
class Answer:
    """The customer that is meant; where there is none, by what it was looked for, a code and a sentence."""

    customer_id: int | None = None
    field: str | None = None
    code: str | None = None
    detail: str | None = None


class NamedCustomers:
    """The customers that some rows name, as far as the actor may see them.

    A row may say more than one of NAMED_BY. `email` is the address of somebody who may work there: its domain tells one
    of several customers of a name, and the customer where nothing else does. `free_mail` are domains that say nothing.
    """

    def __init__(self, session: Session, rows: Sequence[Named], free_mail: frozenset[str]) -> None:
        self._free_mail = free_mail

        def find(match_by: str, keys: Iterable[Any]) -> _Found:
            wanted = set(keys) - {None}
            return find_matches(session, match_by, wanted) if wanted else {}

        self._by_id = find("id", (row.get("customer_id") for row in rows))
        self._by_code = find("customer_code", (row.get("customer_code") for row in rows))
        names = {key for row in rows for key in company_name_keys(row)}
        self._by_name = find("name", names)
        self._by_other_name = find("name_two", names)
        addresses = {key for row in rows if (key := email_key(row.get("customer_email"))) is not None}
        self._by_email = find("email", addresses)
        self._by_contact = find_employers(session, addresses)
        self._by_domain = find("domain", (key for row in rows for key in (self._page(row), self._address(row))))

    def find(self, row: Named) -> Answer:
        """The customer that a row names, or why that is nobody."""
        given = [name for name in NAMED_BY if row.get(name) is not None]
        gone = False
        for name, hits in self._hits(row, given):
            live = {known for known, archived in hits if not archived}
            gone = gone or (bool(hits) and not live)
            if len(live) > 1:
                live = self._narrowed(row, live)
            if len(live) == 1:
                return Answer(live.pop())
            if live:
                detail = f"{len(live)} customers are called so; say which by its code."
                return Answer(None, name, SEVERAL, detail)
        if not given:
            return Answer(code=UNSAID)
        if gone:
            return Answer(None, given[0], ARCHIVED, "The customer is archived, or merged into one that is.")
        return Answer(None, given[0], UNKNOWN, "There is no such customer.")

    def _hits(self, row: Named, given: Sequence[str]) -> Iterable[tuple[str, _Hits]]:
        yield "customer_id", self._by_id.get(row.get("customer_id"), ())
        yield "customer_code", self._by_code.get(row.get("customer_code"), ())
        named = [
            hit
            for key in company_name_keys(row)
            for found in (self._by_name, self._by_other_name)
            for hit in found.get(key, ())
        ]
        yield "company_name", named
        yield "website", self._by_domain.get(self._page(row), ())
        address = email_key(row.get("customer_email")) or ""
        # The customer's own address goes before that of somebody who works there.
        yield "customer_email", self._by_email.get(address, ()) or self._by_contact.get(address, ())
        if not set(given) - {"customer_email"}:  # Who names another company works there, whatever the address is.
            yield given[0] if given else "email", self._by_domain.get(self._address(row), ())

    def _narrowed(self, row: Named, live: set[int]) -> set[int]:
        """Of several customers the one whose pages are where the row's page or address is."""
        for key in (self._page(row), self._address(row)):
            there = live & {known for known, archived in self._by_domain.get(key, ()) if not archived}
            if len(there) == 1:
                return there
        return live

    def _page(self, row: Named) -> str | None:
        return self._telling(domain_key(row.get("website")))

    def _address(self, row: Named) -> str | None:
        address = row.get("email") or row.get("customer_email") or ""
        return self._telling(domain_key(address.rpartition("@")[2] or None))

    def _telling(self, domain: str | None) -> str | None:
        return None if domain is None or domain in self._free_mail or says_nothing(domain) else domain


def company_name_keys(row: Named) -> list[str]:
    """The keys of a company's name, with its form of company and without."""
    name = row.get("company_name")
    if not name:
        return []
    keys = (key for firm in (True, False) for key in keys_of_name(name, firm=firm).values())
    return list(dict.fromkeys(key for key in keys if key is not None))
