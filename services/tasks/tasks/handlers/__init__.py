"""Every event that the tasks service consumes, and what it does about it; the jobs of its worker."""

from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Session
from chassis.events import Event
from chassis.references import handlers
from tasks.commands.transfers import TRANSFERS, tell_targets
from tasks.commands.user_purges import PURGES, Heirs
from tasks.handlers.jobs import SCHEDULES, fire_reminders, forget_notifications
from tasks.handlers.neighbours import HANDLERS
from tasks.models import REFERENCES

__all__ = ["SCHEDULES", "SUBSCRIPTIONS", "fire_reminders", "forget_notifications"]


def on_transfer_completed(session: Session, event: Event) -> None:
    """Tell those who got the tasks of somebody."""
    after = event.data["after"]
    tell_targets(session, event.record_id, after["targets"], after["moved"], event.id)


SUBSCRIPTIONS = Subscriptions(
    handlers={
        **handlers(*REFERENCES, transfers=(TRANSFERS,), purges=(Heirs(), PURGES)),
        **HANDLERS,
        "crm.task_transfer.completed.v1": on_transfer_completed,
    },
)
