"""Records of the past: when one was created and when it closed, as far as that is said of it and is so."""

from datetime import datetime

from chassis.context import current
from chassis.errors import FieldError, Forbidden, Invalid
from pipeline.queries.cards import Cards


def moment_of_creation(cards: Cards, given: datetime | None, now: datetime) -> datetime:
    """When a new record was created: now, unless who may import says another moment. Raises Forbidden, Invalid."""
    if given is None:
        return now
    permission = f"{cards.table.name}:import"
    if permission not in current().permissions:
        raise Forbidden("permission_missing", f"Saying when a record was created takes the permission {permission}.")
    if given > now:
        raise _refuse("created_in_future", "/created_at", "A record is created now or was before.")
    return given


def refuse_closing(at: datetime | None, created_at: datetime, now: datetime) -> None:
    """Raise Invalid for a closing before the record was created, or in the future."""
    if at is None:
        return
    if at > now:
        raise _refuse("closed_in_future", "/closed_at", "A record closes now or has closed before.")
    if at < created_at:
        raise _refuse("closed_before_created", "/closed_at", "A record does not close before it is created.")


def _refuse(code: str, pointer: str, detail: str) -> Invalid:
    return Invalid(code, detail, (FieldError(pointer, code, detail),))
