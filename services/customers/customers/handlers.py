"""Every event that the customers service consumes, and what it does about it."""

import time
from dataclasses import replace
from datetime import timedelta
from threading import Event as Flag

import structlog

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.context import Context, acting_as, current
from chassis.db.session import Database, Session
from chassis.events import Event
from chassis.references import handlers
from customers.commands import conversions, pairs
from customers.commands.imports import IMPORTS
from customers.commands.transfers import TRANSFERS
from customers.commands.user_purges import PURGES
from customers.models import REFERENCES
from customers.schemas.conversions import read_wishes
from customers.schemas.imports import READERS
from imports.engine.worker import CONNECTIONS, purge, work

# A job that goes through whole companies, and that nobody waits for, rests this many times as long as it worked.
RESTS = 4

log = structlog.get_logger()


def work_on_imports(database: Database, stop: Flag) -> None:
    """Validate, run and revert the imports that wait for it."""
    work(IMPORTS, database, stop, READERS)


def purge_imports(database: Database, stop: Flag) -> None:
    """Delete the rows and errors of imports that cannot be reverted any more."""
    purge(IMPORTS, database, stop)


def compare_customers(database: Database, stop: Flag) -> None:
    """Keep the pairs of customers that are probably the same, a hundred customers to a transaction."""
    with database.session() as session:
        companies = pairs.companies_to_compare(session)
    for company_id in companies:
        with acting_as(Context(company_id=company_id)):
            try:
                more, took = True, 0.0
                # The service's own work goes first: this rests for most of the time, however much there is to do.
                while more and not stop.wait(max(RESTS * took, 0.05)):
                    began = time.monotonic()
                    with database.transaction() as session:
                        more = pairs.compare_customers(session)
                    took = time.monotonic() - began
            except Exception:
                # Such as one who was purged meanwhile: the next turn goes on here, and the other companies now.
                log.exception("comparing_failed", company_id=company_id)


def on_conversion_started(session: Session, event: Event) -> None:
    """Do what the conversion of a lead wants, as a request of whoever asked for it; a refusal is an answer as well."""
    with acting_as(replace(current(), user_id=event.actor, own_only=event.data["own_only"])):
        conversions.carry_out(session, event.record_id, read_wishes(event.data["after"]["wishes"]))


def on_conversion_ended(session: Session, event: Event) -> None:
    """Take back what was done for a conversion that was cancelled or undone."""
    wishes = read_wishes(event.data["after"]["wishes"])
    with acting_as(replace(current(), user_id=event.actor)):
        conversions.undo(session, event.record_id, wishes, customer_in_use=event.data["customer_in_use"])


SUBSCRIPTIONS = Subscriptions(
    handlers=handlers(*REFERENCES, transfers=(TRANSFERS,), purges=(PURGES,))
    | {
        "crm.conversion.started.v1": on_conversion_started,
        "crm.conversion.cancelled.v1": on_conversion_ended,
        "crm.conversion.undone.v1": on_conversion_ended,
    },
)
SCHEDULES = (
    Schedule("transfer-customers", timedelta(seconds=5), TRANSFERS.work),
    Schedule("purge-users", timedelta(seconds=5), PURGES.work),
    Schedule("work-on-imports", timedelta(seconds=1), work_on_imports, CONNECTIONS),
    Schedule("compare-customers", timedelta(seconds=30), compare_customers),
    Schedule("purge-imports", timedelta(hours=1), purge_imports),
)
