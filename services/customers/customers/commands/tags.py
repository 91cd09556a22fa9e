"""Tags of a customer, added and taken away one by one."""

from collections.abc import Sequence

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.tags import with_tags, without_tag
from customers.commands.customers import change_customer, expect_customer
from customers.rules.archiving import refuse_archived


def add_tags(session: Session, customer_id: int, version: int | None, tags: Sequence[str]) -> Record:
    """Add those of `tags` that the customer does not have; adding nothing changes nothing.

    Raises NotFound, PreconditionFailed, Conflict, Invalid.
    """
    before = expect_customer(session, customer_id, version)
    refuse_archived(before.document)
    return change_customer(session, before, {"tags": with_tags(before.document["tags"], tags, "customer")})


def remove_tag(session: Session, customer_id: int, version: int, tag: str) -> Record:
    """Take a tag away. Raises NotFound, also for one that is not there, PreconditionFailed, Conflict."""
    before = expect_customer(session, customer_id, version)
    refuse_archived(before.document)
    return change_customer(session, before, {"tags": without_tag(before.document["tags"], tag, "customer")})
