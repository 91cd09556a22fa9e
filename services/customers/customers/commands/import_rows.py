"""Customers as the rows of files: by what they are found, what stands in their way, and how they become new ones."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import BigInteger, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.matching_keys import keys_of_name
from customers import rules
from customers.commands.customers import lock_creation
from customers.commands.import_checks import Lists, doubt_unknown
from customers.commands.import_likely import Likely, leave_changed, telling_keys
from customers.events import CUSTOMER_CREATED, CUSTOMER_PURGED, CUSTOMER_UPDATED
from customers.models import COMPANY, USERS, contacts, customer_codes
from customers.queries.customers import RECORDS
from customers.queries.matches import find_matches, taken_codes, taken_names
from customers.rules.duplicates import ALLOW, BLOCK, DEFAULT, Rules
from customers.rules.import_fields import CATALOGUE, CHOICES_OF, KEYS
from customers.rules.keys import customer_keys
from customers.views import CUSTOMER
from imports.engine.lifecycle import CREATE
from imports.engine.target import Change, RowOptions, Target
from imports.proposal import Proposal
from imports.rows import Fault, Outcome, ReadRow
from imports.seen import Key
from people.emails import email_key

_draw = upsert(customer_codes).values(company_id=TENANT, last_number=bindparam("count", type_=BigInteger))
_DRAW_CODES = Prepared(
    _draw.on_conflict_do_update(
        index_elements=["company_id"], set_={"last_number": customer_codes.c.last_number + _draw.excluded.last_number}
    ).returning(customer_codes.c.last_number)
)
_COMPANY = Prepared(select(COMPANY.table.c.region, COMPANY.table.c.settings).where(of_tenant(COMPANY.table)))
_ANALYZE = Prepared(select(func.analyze_customers()), writes=True)
_WITH_CONTACTS = Prepared(
    select(contacts.c.customer_id)
    .where(of_tenant(contacts), contacts.c.customer_id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
    .distinct()
)

# Of a name that its customer would have given up by now.
_FREE = 0


@dataclass(frozen=True, slots=True)
class Company:
    """Of the company: where its numbers are from, what it does with likely duplicates, and by what it goes."""

    region: str | None
    duplicates: str
    rules: Rules

    @property
    def refuses_duplicates(self) -> bool:
        return self.duplicates == BLOCK


def read_company(session: Session) -> Company:
    """What counts for the rows of the company's imports."""
    region, settings = session.fetch_one(_COMPANY) or (None, None)
    return Company(region, str((settings or {}).get("duplicates")), Rules.of(settings))


class CustomerTarget(Target):
    """Customers."""

    noun = "customer"
    records = RECORDS
    created, updated, purged = CUSTOMER_CREATED, CUSTOMER_UPDATED, CUSTOMER_PURGED
    catalogue = CATALOGUE
    choices = CHOICES_OF
    match_by = KEYS
    # The company, else the address, is the name of who has none.
    needed = ("name", "company_name", "email")
    only_new = ("id", "customer_code", "created_at")
    blank: ClassVar[Mapping[str, Any]] = {
        **dict.fromkeys(CUSTOMER.columns),
        "customer_type": "individual",
        "status": "active",
        "priority": "medium",
        "credit_limit": "0.00",
        "tags": [],
    }

    def around(self, session: Session) -> Company:
        """Where the company's numbers are from, and by what it tells duplicates."""
        return read_company(session)

    def doubt(self, session: Session, proposal: Proposal) -> Proposal:
        """Doubt columns whose samples are no industry and no member of the company."""
        return doubt_unknown(session, proposal)

    def add_keys(self, row: ReadRow, around: Company) -> None:
        """Add the keys that duplicates are found by."""
        row.keys = customer_keys(row.values, around.region)
        values = row.new_values | row.values
        if row.new_values and "name" in values:
            row.new_keys = keys_of_name(values["name"], firm=values.get("customer_type") == rules.CUSTOMER_TYPES[1])

    def draw_numbers(self, session: Session, count: int) -> range:
        """Draw so many of the company's next codes; answers the numbers in them."""
        if count == 0:
            return range(0)
        last: int = session.fetch(_DRAW_CODES, count=count)[0][0]
        return range(last - count + 1, last + 1)

    def analyze(self, session: Session) -> None:
        """Let PostgreSQL look at the table."""
        session.fetch(_ANALYZE)

    def lock(self, session: Session, options: RowOptions) -> None:
        """Let nobody create a customer meanwhile who could be the same, where that is refused."""
        if options.around.refuses_duplicates:
            lock_creation(session)

    def key_of(self, values: Mapping[str, Any], match_by: str) -> Any:
        """What a row's customer is found by."""
        return email_key(values["email"]) if match_by == "email" else values[match_by]

    def unique_keys(self, row: ReadRow, options: RowOptions) -> Iterator[Key]:
        """The code, the name at a company, and where duplicates are refused all by which one is told."""
        values = row.new_values | row.values
        if "customer_code" in values:
            yield "code", values["customer_code"]
        if "name" in values and "company_name" in values:
            yield "name", values["name"], values["company_name"]
        if options.around.refuses_duplicates:
            # By all that the company's rules, which may change while the import runs, could go by.
            yield from telling_keys(DEFAULT, row.keys | row.new_keys)

    def lookups(
        self,
        session: Session,  # noqa: ARG002  # A hook.
        rows: Sequence[ReadRow],
        options: RowOptions,
    ) -> set[Key]:
        """Besides what is unique, all by which a duplicate is told."""
        keys = self.conflict_keys(rows, options)
        if options.around.duplicates != ALLOW:
            rules = options.around.rules
            keys |= {key for row in rows for key in telling_keys(rules, row.keys | row.new_keys)}
        return keys

    def find(self, session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
        """The customers with these keys, those included that keys of merged ones lead to."""
        return find_matches(session, match_by, keys)

    def settle(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> dict[int, list[Fault]]:
        """Put into rows the industries and members that they name."""
        lists = Lists(session, rows, empties=options.empties)
        return {row.line: faults for row in rows if (faults := lists.settle(row))}

    def lacking(self, row: ReadRow) -> Fault | None:
        """A new customer has a name."""
        if (row.values | row.new_values).get("name") is not None:
            return None
        detail = "A new customer needs a name, a company or an e-mail address."
        return Fault(row.line, "name", "required", detail)

    def refuse_changes(
        self, session: Session, changes: Sequence[Change], options: RowOptions
    ) -> dict[int, list[Fault]]:
        """A customer's code stays, and nobody gets the name that another one has at the same company."""
        renamed = {
            change.row.line: (change.after("name"), change.after("company_name"))
            for change in changes
            if "name" in change.values or "company_name" in change.values
        }
        taken = _taken(session, renamed.values(), options)
        other = [change for change in changes if _other_code(change, options)]
        # The code of a customer that was merged is one of the survivor's.
        merged = find_matches(session, "customer_code", {change.row.values["customer_code"] for change in other})
        faults: dict[int, list[Fault]] = {}
        for change in other:
            code = change.row.values["customer_code"]
            if change.known.id not in {hit[0] for hit in merged.get(code, ())}:
                detail = (
                    f"The customer's code is {change.known.document['customer_code'] or 'another one'} and stays so."
                )
                faults[change.row.line] = [Fault(change.row.line, "customer_code", "code_fixed", detail, code)]
        for change in changes:
            line, known = change.row.line, change.known
            if line in faults or line not in renamed:
                continue
            if taken.get(renamed[line], known.id) != known.id:
                faults[line] = [_same_name(change.row)]
                continue
            # Rows below may take the name that this one gives up, and not the one that it takes.
            given_up = (known.document["name"], known.document["company_name"])
            if taken.get(given_up) == known.id:
                del taken[given_up]
            taken[renamed[line]] = known.id
        return faults

    def refuse_new(
        self, session: Session, rows: Sequence[ReadRow], options: RowOptions, outcome: Outcome
    ) -> dict[int, list[Fault]]:
        """What stands in the way of new customers; those that are only likely there already are told."""
        codes = taken_codes(session, {code for row in rows if (code := row.values.get("customer_code"))})
        names = _taken(session, ((row.values.get("name"), row.values.get("company_name")) for row in rows), options)
        likely = Likely(session, rows, options) if options.around.duplicates != ALLOW else None
        faults: dict[int, list[Fault]] = {}
        for row in rows:
            name = row.values.get("name")
            found = _refuse_code(row, options, codes)
            if (name, row.values.get("company_name")) in names:
                found.append(_same_name(row))
            good = not found and not row.faults
            if good and likely is not None and (sentence := likely.sentence(row)) is not None:
                if options.around.refuses_duplicates:
                    found.append(Fault(row.line, None, "possible_duplicate", sentence, name))
                else:
                    outcome.duplicates += 1
                    row.warn(None, "possible_duplicate", sentence, name)
            if not found and good and likely is not None:
                likely.leave(row)
            if found:
                faults[row.line] = found
        return faults

    def leave(self, options: RowOptions, rows: Sequence[ReadRow], changes: Sequence[Change]) -> None:
        """Leave the names and codes that are taken or free afterwards, and by what changed customers are told."""
        seen = options.seen
        for change in changes:
            if "name" in change.values or "company_name" in change.values:
                document, name = change.known.document, (change.after("name"), change.after("company_name"))
                seen.put("name", document["name"], document["company_name"], entry=_FREE)
                if None not in name:
                    seen.put("name", *name, entry=change.known.id)
        if options.around.duplicates != ALLOW:
            leave_changed(options, changes)
        for row in rows:
            name = (row.values.get("name"), row.values.get("company_name"))
            if None not in name:
                seen.put("name", *name, entry=-row.line)
            if (code := row.values.get("customer_code")) is not None:
                seen.put("code", code, entry=-row.line)

    def wanted_numbers(self, rows: Sequence[ReadRow]) -> int:
        """One for each customer without a code of its own."""
        return sum("customer_code" not in row.values for row in rows)

    def new_values(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[dict[str, Any]]:
        """The columns of new customers; who has no code gets one."""
        numbers = iter(options.draw(session, self.wanted_numbers(rows)) if options.draw is not None else ())
        documents = []
        for row in rows:
            values = {"customer_code": f"C-{next(numbers):06}"} if "customer_code" not in row.values else {}
            values |= row.values | row.keys | {"created_by": current().user_id}
            values.pop("id", None)
            documents.append(values)
        return documents

    def keys_of_changes(
        self,
        session: Session,  # noqa: ARG002  # A hook.
        changes: Sequence[Change],
        around: Company,
    ) -> list[dict[str, Any]]:
        """The matching keys that follow from the values that change: a number is from where the customer is."""
        return [customer_keys(change.values, around.region, change.known.document) for change in changes]

    def kept_for_others(self, session: Session, ids: Sequence[int]) -> set[int]:
        """Customers that have contacts by now."""
        return {row[0] for row in session.fetch(_WITH_CONTACTS, ids=list(ids))}

    def set_back(
        self, session: Session, back: Sequence[tuple[Record, dict[str, Any]]], around: Company
    ) -> list[tuple[Record, dict[str, Any]]]:
        """What was before, with the keys that follow; who has become inactive since gets nothing back."""
        assignees = {values["assigned_to"] for _, values in back if "assigned_to" in values}
        active = USERS.active_among(session, assignees - {None})
        given = []
        for record, before in back:
            gone = before.get("assigned_to") not in (None, *active)
            values = {name: value for name, value in before.items() if not (gone and name == "assigned_to")}
            if values:
                given.append((record, values | customer_keys(values, around.region, record.document)))
        return given


def _other_code(change: Change, options: RowOptions) -> bool:
    """Whether a row has a code that is not its customer's, and by which it was not found."""
    code = change.row.values.get("customer_code", change.known.document["customer_code"])
    found_by_it = options.mode != CREATE and options.match_by == "customer_code"
    return not found_by_it and code != change.known.document["customer_code"]


def _refuse_code(row: ReadRow, options: RowOptions, codes: Collection[str]) -> list[Fault]:
    found: list[Fault] = []
    code = row.values.get("customer_code")
    if code is None:
        return found
    if code in codes or options.seen.get("code", code) is not None:
        detail = "A customer, perhaps an archived one, has this code."
        found.append(Fault(row.line, "customer_code", "customer_code_taken", detail, code))
    if rules.GENERATED_CODE.match(code):
        if options.match_by == "customer_code":
            detail = "There is no customer with this code, and codes of this form are given out by the service."
            found.append(Fault(row.line, "customer_code", "customer_not_found", detail, code))
        else:
            row.values.pop("customer_code")
            row.warn("customer_code", "code_left_aside", "Codes of this form are given out by the service.", code)
    return found


def _taken(session: Session, names: Iterable[tuple[Any, ...]], options: RowOptions) -> dict[tuple[Any, ...], int]:
    # As the unique index has it: a company without a name is one company, no company at all is none.
    given = [(name, company) for name, company in names if name is not None and company is not None]
    taken: dict[tuple[Any, ...], int] = dict(
        taken_names(session, [{"name": name, "company_name": company} for name, company in given])
    )
    options.seen.load(("name", *pair) for pair in given)
    for pair in given:
        if (before := options.seen.get("name", *pair)) is not None:
            taken[pair] = before
            if before == _FREE:
                del taken[pair]
    return taken


def _same_name(row: ReadRow) -> Fault:
    detail = "There is a customer of this name at this company already."
    return Fault(row.line, "name", "customer_exists", detail, row.values.get("name"))
