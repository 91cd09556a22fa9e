"""What a task or an activity may be about: live records that belong together."""

from collections.abc import Mapping
from typing import Any

from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from tasks.queries.links import CUSTOMER, DEAL, LEAD, SUBJECTS

_NAMES = tuple(f"{kind}_id" for kind in SUBJECTS)


def check_links(session: Session, values: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, int | None]:
    """The links of a record whose body says `values` and which has `present` ones.

    The customer is filled in from the deal or the lead. Raises UnknownReference for what is not known, Conflict for
    what is archived, Invalid for a customer that contradicts the deal or the lead.
    """
    if not any(name in values for name in _NAMES):
        return {}
    links = {name: values.get(name, present.get(name)) for name in _NAMES}
    found = {
        kind: _get_live(session, kind, number, changed=number != present.get(f"{kind}_id"))
        for kind in (CUSTOMER, LEAD, DEAL)
        if (number := links[f"{kind}_id"]) is not None
    }
    owners = {kind: subject["customer_id"] for kind, subject in found.items() if kind != CUSTOMER}
    customers = {owner for owner in owners.values() if owner is not None}
    given = links["customer_id"]
    if given is None and customers:
        # The deal's goes before the lead's: it is the later of the two.
        links["customer_id"] = given = owners.get(DEAL) or owners.get(LEAD)
        assert given is not None
        _get_live(session, CUSTOMER, given, changed=given != present.get("customer_id"))
    if customers - {given}:
        detail = "The customer is not that of the deal or the lead."
        raise Invalid("customer_mismatch", detail, (FieldError("/customer_id", "customer_mismatch", detail),))
    return links


def _get_live(session: Session, kind: str, subject_id: int, *, changed: bool) -> dict[str, Any]:
    subject = SUBJECTS[kind].require(session, subject_id, pointer=f"/{kind}_id")
    if subject.get("merged_into") is not None:
        raise Conflict("customer_merged", f"Customer {subject_id} was merged into {subject['merged_into']}.")
    if subject["archived_at"] is not None and changed:
        raise Conflict(f"{kind}_archived", f"The {kind} {subject_id} is archived; restore it first.")
    return subject
