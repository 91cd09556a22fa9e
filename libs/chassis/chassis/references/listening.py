"""The events that references are kept up by, and what is done about each of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chassis.db import company_purges
from chassis.db.session import Session
from chassis.events import Event
from chassis.references.companies import CompanyReference
from chassis.references.reference import Reference
from chassis.references.users import DEACTIVATED, PURGED

AnyReference = Reference | CompanyReference
Handler = Callable[[Session, Event], None]


@dataclass(frozen=True, slots=True)
class Saving:
    """Keep what events tell of the records of `reference`: one at a time, or many of a tenant at once."""

    reference: Reference

    def __call__(self, session: Session, event: Event) -> None:
        """Keep what an event tells."""
        self.reference.save_event(session, event)

    def many(self, session: Session, events: Sequence[Event]) -> None:
        """Keep what events of one tenant tell, in their order."""
        self.reference.save_events(session, events)


class Starter(Protocol):
    """What begins when somebody is deactivated or purged: `chassis.transfers.Transfers`, `chassis.purges.Purges`."""

    def start(self, session: Session, event: Event) -> None:
        """Begin what the event asks for."""


def handlers(
    *references: AnyReference, transfers: Sequence[Starter] = (), purges: Sequence[Starter] = ()
) -> dict[str, Handler]:
    """A handler for each event that tells of these references; a service replaces those that do more.

    When a user is deactivated, `transfers` begin, after nobody can give them work any more; when one is purged,
    `purges`. A company that is purged is noted in any case: `chassis.db.company_purges` deletes what is its.
    """
    found: dict[str, Handler] = {company_purges.PURGED: company_purges.note_event}
    for reference in references:
        actions = reference.actions if reference.removed is None else (*reference.actions, reference.removed)
        # Of companies and their members too few is told for the events to come in numbers.
        save = Saving(reference) if type(reference) is Reference else reference.save_event
        found |= {f"crm.{reference.entity}.{action}.v1": save for action in actions}
    for event_type, starters in ((DEACTIVATED, transfers), (PURGED, purges)):
        if starters:
            found[event_type] = _beginning(found[event_type], starters)
    return found


def _beginning(know: Handler, starters: Sequence[Starter]) -> Handler:
    def handle(session: Session, event: Event) -> None:
        know(session, event)
        for starter in starters:
            starter.start(session, event)

    return handle
