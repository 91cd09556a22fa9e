"""The events that references are kept up by, and what is done about each of them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from chassis.db.session import Session
from chassis.events import Event
from chassis.references.companies import CompanyReference
from chassis.references.reference import Reference
from chassis.references.users import DEACTIVATED

AnyReference = Reference | CompanyReference
Handler = Callable[[Session, Event], None]


class Starter(Protocol):
    """What begins when somebody is deactivated: `chassis.transfers.Transfers`."""

    def start(self, session: Session, event: Event) -> None:
        """Begin what the event's plan asks for."""


def bindings(*references: AnyReference) -> tuple[str, ...]:
    """The patterns that bring the events of these references."""
    return tuple(f"*.{reference.entity}.*.v1" for reference in references)


def handlers(*references: AnyReference, transfers: Sequence[Starter] = ()) -> dict[str, Handler]:
    """A handler for each event that tells of these references; a service replaces those that do more.

    When a user is deactivated, `transfers` begin, after nobody can give them work any more.
    """
    found: dict[str, Handler] = {}
    for reference in references:
        actions = reference.actions if reference.removed is None else (*reference.actions, reference.removed)
        found |= {f"crm.{reference.entity}.{action}.v1": reference.save_event for action in actions}
    if transfers:
        know = found[DEACTIVATED]

        def on_member_deactivated(session: Session, event: Event) -> None:
            know(session, event)
            for transfer in transfers:
                transfer.start(session, event)

        found[DEACTIVATED] = on_member_deactivated
    return found
