"""Tags of a customer, added and taken away one by one."""

from collections.abc import Sequence

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Invalid, NotFound
from customers.commands.customers import change_customer, expect_customer
from customers.rules import MOST_TAGS
from customers.rules.archiving import refuse_archived


def add_tags(session: Session, customer_id: int, version: int | None, tags: Sequence[str]) -> Record:
    """Add those of `tags` that the customer does not have; adding nothing changes nothing.

    Raises NotFound, PreconditionFailed, Conflict, Invalid.
    """
    before = expect_customer(session, customer_id, version)
    refuse_archived(before.document)
    present = before.document["tags"]
    together = list(dict.fromkeys([*present, *tags]))
    if len(together) > MOST_TAGS:
        raise Invalid("too_many_tags", f"A customer has at most {MOST_TAGS} tags.")
    return before if together == present else change_customer(session, before, {"tags": together})


def remove_tag(session: Session, customer_id: int, version: int, tag: str) -> Record:
    """Take a tag away. Raises NotFound, also for one that is not there, PreconditionFailed, Conflict."""
    before = expect_customer(session, customer_id, version)
    refuse_archived(before.document)
    present = before.document["tags"]
    if tag not in present:
        raise NotFound("tag_not_found", "The customer has no such tag.")
    return change_customer(session, before, {"tags": [other for other in present if other != tag]})
