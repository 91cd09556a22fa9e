"""What is done about the events of customers, leads, deals and conversions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from chassis.db.session import Session
from chassis.db.writer import Later
from chassis.events import Event
from chassis.references import Reference, Saving
from tasks.commands.closing import close_tasks_of
from tasks.commands.conversions import relink, unlink
from tasks.commands.customer_purges import CUSTOMER_PURGES
from tasks.commands.merges import move_to_survivor, take_back
from tasks.commands.neighbours import (
    archive_with,
    move_customer,
    note_archiving,
    purge_subject,
    restore_with,
)
from tasks.commands.stories import Story, story_told_by, tell_new_owner
from tasks.models import CUSTOMERS, DEALS, LEADS


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of neighbour's record that tasks and activities are about."""

    entity: str
    reference: Reference

    @property
    def column(self) -> str:
        """The column that names one."""
        return f"{self.entity}_id"


CUSTOMER, LEAD, DEAL = Kind("customer", CUSTOMERS), Kind("lead", LEADS), Kind("deal", DEALS)


def know(kind: Kind, session: Session, event: Event) -> bool:
    """Keep what an event tells of a record; whether that is what is known of it now, and not something older."""
    return _is_known(kind, session, event, _save(kind, session, event))


def _save(kind: Kind, session: Session, event: Event) -> Later:
    return kind.reference.save_later(session, kind.reference.told(event.data["after"], event))


def _is_known(kind: Kind, session: Session, event: Event, saved: Later) -> bool:
    if saved.touched:
        return True
    found = kind.reference.find(session, (event.record_id,)).get(event.record_id)
    return found is not None and found["version"] == event.aggregate_version


@dataclass(frozen=True, slots=True)
class Changing:
    """Know a record that has changed; say what has happened to it, and tell its new owner."""

    kind: Kind

    def __call__(self, session: Session, event: Event) -> None:
        """Handle one event."""
        self.ask(session, event)()

    def ask(self, session: Session, event: Event) -> Callable[[], None]:
        """Save it, and ask what its story needs; deals are moved all day. Answers what remains to be done."""
        saved = _save(self.kind, session, event)
        story = story_told_by(session, self.kind.entity, event)
        return partial(self._go_on, session, event, saved, story)

    def _go_on(self, session: Session, event: Event, saved: Later, story: Story | None) -> None:
        kind = self.kind
        if not _is_known(kind, session, event, saved):
            return
        if kind is not CUSTOMER and "customer_id" in event.data["changed"]:
            customer_id = event.data["after"]["customer_id"]
            _require_customer(session, customer_id)
            move_customer(session, kind.column, event.record_id, customer_id)
        if story is not None:
            story.write(session)
        tell_new_owner(session, kind.entity, event)


def _require_customer(session: Session, customer_id: int | None) -> None:
    if customer_id is not None and not CUSTOMERS.find(session, (customer_id,)):
        # The customer's own event is on the way; this one comes again.
        raise LookupError(f"customer {customer_id} is not known yet")


def on_archived(kind: Kind, session: Session, event: Event) -> None:
    """Hide what is about the record with it; what is about a merged customer moves to the survivor."""
    if not know(kind, session, event):
        return
    survivor = event.data["after"].get("merged_into") if kind is CUSTOMER else None
    if survivor is not None:
        _require_customer(session, survivor)
        move_to_survivor(session, event.record_id, survivor)
        return
    note_archiving(session, kind.reference, event.record_id, event.id)
    archive_with(session, kind.column, event.record_id, event.id, event.time)


def on_restored(kind: Kind, session: Session, event: Event) -> None:
    """Bring back what went with the record; of a merge that is undone exactly what it had moved."""
    archived_by = kind.reference.find(session, (event.record_id,)).get(event.record_id, {}).get("archived_by_event")
    if not know(kind, session, event):
        return
    survivor = event.data["before"].get("merged_into") if kind is CUSTOMER else None
    if survivor is not None:
        take_back(session, event.record_id, survivor)
        return
    note_archiving(session, kind.reference, event.record_id, None)
    restore_with(session, kind.column, event.record_id, None if archived_by is None else str(archived_by))


def on_purged(kind: Kind, session: Session, event: Event) -> None:
    """Delete what was about the record alone, one by one, and then forget it; of a customer the worker does so."""
    if kind is CUSTOMER:
        CUSTOMER_PURGES.note_event(session, event)
    else:
        purge_subject(kind.reference, session, event.record_id, event.aggregate_version)


def on_deal_closed(session: Session, event: Event) -> None:
    """Say how the deal ended, and do with its open tasks what the company has set."""
    Changing(DEAL)(session, event)
    close_tasks_of(session, event.record_id)


def on_conversion_completed(session: Session, event: Event) -> None:
    """Let what is about the lead be about its customer and its deal too."""
    after = event.data["after"]
    lead = LEADS.find(session, (after["lead_id"],)).get(after["lead_id"], {})
    links = {"customer_id": after["customer_id"], "deal_id": after["deal_id"]}
    relink(session, event.record_id, after["lead_id"], links, (lead.get("assigned_to"), after.get("assigned_to")))


def on_conversion_undone(session: Session, event: Event) -> None:
    """Take away exactly what the conversion had added."""
    unlink(session, event.record_id)


Handler = Callable[[Session, Event], None]


def _of(kind: Kind) -> dict[str, Handler]:
    special: Mapping[str, Handler] = {
        # No story begins with a new record, and whoever it is of is told where it is given to them.
        "created": Saving(kind.reference),
        "archived": partial(on_archived, kind),
        "restored": partial(on_restored, kind),
        "purged": partial(on_purged, kind),
    }
    changed = Changing(kind)
    actions = dict.fromkeys((*kind.reference.actions, *special))
    return {f"crm.{kind.entity}.{action}.v1": special.get(action, changed) for action in actions}


HANDLERS: Mapping[str, Handler] = {
    **_of(CUSTOMER),
    **_of(LEAD),
    **_of(DEAL),
    "crm.deal.won.v1": on_deal_closed,
    "crm.deal.lost.v1": on_deal_closed,
    "crm.conversion.completed.v1": on_conversion_completed,
    "crm.conversion.undone.v1": on_conversion_undone,
}
