"""Every event that the pipeline service consumes, and what it does about it; the jobs of its worker."""

from datetime import timedelta
from threading import Event as Flag

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Database
from chassis.db.waiting import WaitingRows
from chassis.references import bindings, handlers
from pipeline.commands.customer_changes import follow_customer, note_customer_purge, purge_on
from pipeline.commands.retention import expire_leads
from pipeline.commands.stage_deletion import move_on
from pipeline.commands.transfers import DEAL_TRANSFERS, LEAD_TRANSFERS
from pipeline.models import REFERENCES, customer_purges, deal_stages, lead_stages
from pipeline.queries.cards import DEALS, LEADS

_CUSTOMER_PURGES = WaitingRows(customer_purges)
_LEAD_STAGES, _DEAL_STAGES = WaitingRows(lead_stages), WaitingRows(deal_stages)


def move_stage_records(database: Database, stop: Flag) -> None:
    """Move the records out of stages that are being deleted, 500 to a transaction, and delete what is empty then."""
    _LEAD_STAGES.work(database, stop, lambda session, stage_id: move_on(session, LEADS, stage_id))
    _DEAL_STAGES.work(database, stop, lambda session, stage_id: move_on(session, DEALS, stage_id))


def purge_customers(database: Database, stop: Flag) -> None:
    """Remove the leads and deals of customers that were purged, a hundred to a transaction, and the customers then."""
    _CUSTOMER_PURGES.work(database, stop, purge_on)


SUBSCRIPTIONS = Subscriptions(
    bindings=bindings(*REFERENCES),
    handlers=handlers(*REFERENCES, transfers=(LEAD_TRANSFERS, DEAL_TRANSFERS))
    | {
        "crm.customer.archived.v1": follow_customer,
        "crm.customer.restored.v1": follow_customer,
        "crm.customer.purged.v1": note_customer_purge,
    },
)
SCHEDULES = (
    Schedule("move-stage-records", timedelta(seconds=1), move_stage_records),
    Schedule("transfer-leads", timedelta(seconds=5), LEAD_TRANSFERS.work),
    Schedule("transfer-deals", timedelta(seconds=5), DEAL_TRANSFERS.work),
    Schedule("purge-customers", timedelta(seconds=5), purge_customers),
    Schedule("expire-leads", timedelta(days=1), expire_leads),
)
