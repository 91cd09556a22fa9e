"""Every event that the pipeline service consumes, and what it does about it; the jobs of its worker."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from typing import Any

from prometheus_client import Gauge

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.context import acting_as, current
from chassis.db.session import Database, Session
from chassis.db.waiting import WaitingRows
from chassis.events import Event
from chassis.references import handlers
from chassis.references.asking import References
from imports.engine.worker import CONNECTIONS, purge, work
from pipeline.commands import conversions
from pipeline.commands.customer_changes import CUSTOMER_PURGES, follow_customer, purge_on
from pipeline.commands.imports import DEAL_IMPORTS, LEAD_IMPORTS
from pipeline.commands.retention import expire_leads
from pipeline.commands.snapshots import take_snapshots
from pipeline.commands.stage_deletion import move_on
from pipeline.commands.transfers import DEAL_TRANSFERS, LEAD_TRANSFERS
from pipeline.commands.user_purges import PURGES
from pipeline.models import REFERENCES, customer_purges, deal_stages, lead_stages
from pipeline.queries.cards import DEALS, LEADS
from pipeline.queries.conversions import count_delayed
from pipeline.rules.conversions import LONG_AFTER
from pipeline.schemas import import_deals, import_rows

DELAYED = Gauge("crm_conversions_delayed", "Conversions of leads that were begun over 15 minutes ago and go on.")
_CUSTOMER_PURGES = WaitingRows(customer_purges)
_LEAD_STAGES, _DEAL_STAGES = WaitingRows(lead_stages), WaitingRows(deal_stages)


def work_on_lead_imports(database: Database, stop: Flag) -> None:
    """Validate, run and revert the imports of leads that wait for it."""
    work(LEAD_IMPORTS, database, stop, import_rows.READERS)


def work_on_deal_imports(database: Database, stop: Flag, references: References) -> None:
    """The same with deals, whose customers the customers service is asked for."""
    work(DEAL_IMPORTS, database, stop, import_deals.READERS, references)


def purge_imports(database: Database, stop: Flag) -> None:
    """Delete the rows and errors of imports that cannot be reverted any more."""
    purge(LEAD_IMPORTS, database, stop)
    purge(DEAL_IMPORTS, database, stop)


def move_stage_records(database: Database, stop: Flag) -> None:
    """Move the records out of stages that are being deleted, 500 to a transaction, and delete what is empty then."""
    _LEAD_STAGES.work(database, stop, lambda session, stage_id: move_on(session, LEADS, stage_id))
    _DEAL_STAGES.work(database, stop, lambda session, stage_id: move_on(session, DEALS, stage_id))


def purge_customers(database: Database, stop: Flag) -> None:
    """Remove the leads and deals of customers that were purged, a hundred to a transaction, and the customers then."""
    _CUSTOMER_PURGES.work(database, stop, purge_on)


def watch_conversions(database: Database, _: Flag) -> None:
    """Say how many conversions have been waiting for long: nothing ends them but the services that they wait for."""
    with database.session() as session:
        DELAYED.set(count_delayed(session, datetime.now(UTC) - LONG_AFTER))


def _of_conversion(step: Callable[[Session, int, Mapping[str, Any]], None]) -> Callable[[Session, Event], None]:
    """Take a step of a conversion on behalf of whoever asked for it, whatever they may see of it by now."""

    def handle(session: Session, event: Event) -> None:
        with acting_as(replace(current(), user_id=event.actor)):
            step(session, event.data["after"]["conversion_id"], event.data)

    return handle


SUBSCRIPTIONS = Subscriptions(
    handlers=handlers(*REFERENCES, transfers=(LEAD_TRANSFERS, DEAL_TRANSFERS), purges=(PURGES,))
    | {
        "crm.conversion_result.succeeded.v1": _of_conversion(conversions.complete),
        "crm.conversion_result.refused.v1": _of_conversion(conversions.fail),
        "crm.conversion_result.undone.v1": _of_conversion(conversions.note_undone),
        "crm.customer.archived.v1": follow_customer,
        "crm.customer.restored.v1": follow_customer,
        "crm.customer.purged.v1": CUSTOMER_PURGES.note_event,
    },
)
SCHEDULES = (
    Schedule("take-snapshots", timedelta(hours=1), take_snapshots),
    Schedule("move-stage-records", timedelta(seconds=1), move_stage_records),
    Schedule("transfer-leads", timedelta(seconds=5), LEAD_TRANSFERS.work),
    Schedule("transfer-deals", timedelta(seconds=5), DEAL_TRANSFERS.work),
    Schedule("purge-users", timedelta(seconds=5), PURGES.work),
    Schedule("purge-customers", timedelta(seconds=5), purge_customers),
    Schedule("work-on-imports", timedelta(seconds=1), work_on_lead_imports, CONNECTIONS),
    Schedule("work-on-deal-imports", timedelta(seconds=1), work_on_deal_imports, CONNECTIONS, asks=True),
    Schedule("purge-imports", timedelta(hours=1), purge_imports),
    Schedule("expire-leads", timedelta(days=1), expire_leads),
    Schedule("watch-conversions", timedelta(seconds=30), watch_conversions),
)
