"""The companies that the rows of an import name: those that are there, those of rows above, and those to be made."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.db.session import Session
from customers import rules
from customers.commands.import_rows import CustomerTarget
from customers.queries.matches import describe, find_matches
from customers.queries.named import company_name_keys
from customers.rules.keys import customer_keys
from customers.rules.people_import_fields import company_values
from imports.engine.target import Change, RowOptions
from imports.rows import Fault, ReadRow
from imports.seen import Key, Seen
from people.tags import distinct_tags

_BY_NAME, _BY_CODE, _RENAMED = "company", "company-code", "company-renamed"
# What a company is found by besides its code.
_SHOWN_BY = frozenset(("name", "customer_type", "website"))
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
# From here on two codes of a length are of one system.
_LONG = 10


def keys_of_company(row: ReadRow) -> Iterator[Key]:
    """By what rows name the same company."""
    for key in company_name_keys(row.values):
        yield _BY_NAME, key
    if (code := row.values.get("customer_code")) is not None:
        yield _BY_CODE, code


def keys_of_private(row: ReadRow) -> Iterator[Key]:
    """By what rows below could take somebody without a company for one."""
    keys = row.keys | row.new_keys
    for name in ("name_norm", "name_two"):
        if keys.get(name):
            yield _BY_NAME, keys[name]
    if (code := row.values.get("contact_code") or row.values.get("customer_code")) is not None:
        yield _BY_CODE, code


def _form(code: str) -> str:
    """What the codes of one system have in common."""
    return _DIGITS.sub("9", _LETTERS.sub("A", code))


@dataclass(slots=True, eq=False)
class Company:
    """A company: of a row above, or to be made, it has that row's line, below zero, for an id."""

    id: int
    code: str | None
    domain: str | None
    # Those that it is to be made of.
    rows: list[ReadRow] = field(default_factory=list)

    def is_numbered_otherwise(self, code: str | None) -> bool:
        """Whether it has another code of the same system's; codes of two systems say nothing of one another."""
        if code is None or self.code is None or code == self.code or rules.GENERATED_CODE.match(self.code):
            return False
        return _form(code) == _form(self.code) or len(code) == len(self.code) >= _LONG

    def merged(self, region: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values that its rows say of it, of each field the first, all notes and all tags; and the keys of it."""
        values = company_values(self.rows[0].values)
        for row in self.rows[1:]:
            given = company_values(row.values)
            notes = values.get("notes", ""), given.get("notes", "")
            if notes[1] and notes[1] not in notes[0]:
                values["notes"] = "\n".join(filter(None, notes))
            if "tags" in given:
                values["tags"] = distinct_tags([*values.get("tags", ()), *given["tags"]])
            values = given | values
        return values, customer_keys(values, region)


class Companies:
    """The companies of some rows of an import, each found by its code, else by its name and its page."""

    def __init__(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> None:
        self._seen = options.seen.within("customer")
        self._telling = options.around.rules.telling
        self.made: list[Company] = []
        codes = {code for row in rows if (code := row.values.get("customer_code")) is not None}
        names = {key for row in rows for key in company_name_keys(row.values)}
        self._by_code = find_matches(session, "customer_code", codes)
        found = [find_matches(session, column, names) for column in ("name", "name_two")]
        self._by_name = {
            key: {known for hits in found for known, archived in hits.get(key, ()) if not archived} for key in names
        }
        live = {known for hits in self._by_name.values() for known in hits}
        self._seen.load((_RENAMED, known) for known in live)
        for known in live:
            if (called := self._seen.get(_RENAMED, known)) is not None:
                for key in self._by_name.keys() - set(called):
                    self._by_name[key].discard(known)
        self._stored = {
            known: Company(known, code, self._page(domain)) for known, code, domain in describe(session, live)
        }
        self._of_rows: dict[Key, list[Company]] = {}

    def find(self, row: ReadRow) -> int | Fault | None:
        """The company that a row names, below zero one of a row above; None for one that is not there yet."""
        code = row.values.get("customer_code")
        if code is not None:
            hits = self._by_code.get(code, ())
            if hits and all(archived for _, archived in hits):
                detail = "The customer is archived, or merged into one that is."
                return Fault(row.line, "customer_code", "customer_archived", detail, code)
            above = self._above((_BY_CODE, code))
            if hits or above:
                return hits[0][0] if hits else self._joined(above[0], row)
        found = self._narrowed(row, self._called_like(row))
        if len(found) > 1:
            detail = f"{len(found)} customers are called so; say which by its code."
            return Fault(row.line, "company_name", "ambiguous_customer", detail, row.values.get("company_name"))
        return self._joined(found[0], row) if found else None

    def add(self, row: ReadRow) -> int:
        """Take a row's company for one that is to be made; its rows below find it."""
        company = Company(-row.line, row.values.get("customer_code"), self._page(row.keys.get("domain_norm")), [row])
        self.made.append(company)
        for key in keys_of_company(row):
            self._above(key).append(company)
        return company.id

    def leave(self, company: Company) -> None:
        """Let the rows of chunks below find a company that would be made."""
        for row in company.rows:
            _leave(self._seen, company, keys_of_company(row))

    def _joined(self, company: Company, row: ReadRow) -> int:
        if company.rows:
            company.rows.append(row)
            company.code = company.code or row.values.get("customer_code")
            company.domain = company.domain or self._page(row.keys.get("domain_norm"))
            for key in keys_of_company(row):
                if company not in self._above(key):
                    self._above(key).append(company)
        return company.id

    def _called_like(self, row: ReadRow) -> list[Company]:
        keys = company_name_keys(row.values)
        stored = {known for key in keys for known in self._by_name.get(key, ())}
        found = {known: self._stored[known] for known in sorted(stored)}
        for key in keys:
            found |= {company.id: company for company in self._above((_BY_NAME, key))}
        return list(found.values())

    def _narrowed(self, row: ReadRow, companies: Sequence[Company]) -> Sequence[Company]:
        """Of companies called so the one at the row's page; other codes and other pages make other companies."""
        page, code = self._page(row.keys.get("domain_norm")), row.values.get("customer_code")
        companies = [company for company in companies if not company.is_numbered_otherwise(code)]
        if page and (there := [company for company in companies if company.domain == page]):
            return there
        open_ones = [company for company in companies if not (page and company.domain)]
        if len(open_ones) > 1:
            address = self._page((row.values.get("email") or "").rpartition("@")[2].lower())
            there = [company for company in open_ones if address and company.domain == address]
            return there if len(there) == 1 else open_ones
        return open_ones

    def _above(self, key: Key) -> list[Company]:
        """The companies of rows above that this key leads to."""
        if key not in self._of_rows:
            self._of_rows[key] = [Company(*entry) for entry in self._seen.get(*key) or ()]
        return self._of_rows[key]

    def _page(self, domain: str | None) -> str | None:
        return self._telling({"domain_norm": domain}).get("domain_norm") if domain else None


class PrivateTarget(CustomerTarget):
    """Customers of a file of companies and people who have no company: rows below may take one for a company."""

    def leave(self, options: RowOptions, rows: Sequence[ReadRow], changes: Sequence[Change]) -> None:
        """Leave besides how the customers are called, which those of companies find them by."""
        super().leave(options, rows, changes)
        seen, telling = options.seen, options.around.rules.telling
        for row in rows:
            code, domain = row.values.get("customer_code"), telling(row.keys).get("domain_norm")
            keys = {(_BY_NAME, name) for name in _names(row.keys)} | ({(_BY_CODE, code)} if code is not None else set())
            _leave(seen, Company(-row.line, code, domain), keys)
        renamed = [change for change in changes if _SHOWN_BY & change.values.keys()]
        called = []
        for change in renamed:
            before, after = (
                customer_keys(values, options.around.region)
                for values in (change.known.document, {**change.known.document, **change.values})
            )
            company = Company(
                change.known.id, change.known.document["customer_code"], telling(after).get("domain_norm")
            )
            called.append((company, _names(before), _names(after)))
        seen.load((_BY_NAME, name) for _, given_up, names in called for name in (*given_up, *names))
        for company, given_up, names in called:
            for name in given_up:
                others = [entry for entry in seen.get(_BY_NAME, name) or () if entry[0] != company.id]
                seen.put(_BY_NAME, name, entry=others)
            _leave(seen, company, ((_BY_NAME, name) for name in names))
            seen.put(_RENAMED, company.id, entry=names)


def _names(keys: Mapping[str, Any]) -> list[str]:
    return [keys[name] for name in ("name_norm", "name_two") if keys.get(name)]


def _leave(seen: Seen, company: Company, keys: Iterable[Key]) -> None:
    """Let rows of chunks below find a customer that a row would make."""
    for key in keys:
        others = [entry for entry in seen.get(*key) or () if entry[0] != company.id]
        seen.put(*key, entry=[*others, [company.id, company.code, company.domain]])
