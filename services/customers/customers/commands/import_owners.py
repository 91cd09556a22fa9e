"""Whose contacts the rows of an import are: customers found by what rows say of them, many at a time."""

from collections.abc import Iterable

from chassis.db.session import Session
from customers.queries.named import ARCHIVED, SEVERAL, UNKNOWN, UNSAID, NamedCustomers
from customers.rules.contact_import_fields import OF_CUSTOMER
from imports.rows import Fault, ReadRow

_CODES = frozenset((UNKNOWN, SEVERAL, ARCHIVED, UNSAID))
_UNSAID = "The row does not say whose contact it is: by the customer's code, name, website or id."


def settle_owners(session: Session, rows: Iterable[ReadRow], *, free_mail: frozenset[str]) -> None:
    """Put into rows the ids of the customers that they name; what is wrong counts for new contacts alone.

    It may be done again: a row that has been settled is left as it is.
    """
    open_rows = [row for row in rows if not any(fault.code in _CODES for fault in row.late)]
    if open_rows:
        customers = NamedCustomers(session, [row.values for row in open_rows if not row.faults], free_mail)
        for row in open_rows:
            owner = None if row.faults else _owner(customers, row)
            for name in OF_CUSTOMER:
                row.values.pop(name, None)
            if owner is not None:
                row.values["customer_id"] = owner


def _owner(customers: NamedCustomers, row: ReadRow) -> int | None:
    """The customer that a row names; None with a fault for new contacts where that is nobody, or several."""
    found = customers.find(row.values)
    if found.code == UNSAID:
        row.late.append(Fault(row.line, "company_name", UNSAID, _UNSAID))
    elif found.code is not None:
        value = row.values.get(found.field or "")
        shown = None if value is None else str(value)
        row.late.append(Fault(row.line, found.field, found.code, found.detail or "", shown))
    return found.customer_id
