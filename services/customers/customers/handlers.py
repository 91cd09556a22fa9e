"""Every event that the customers service consumes, and what it does about it."""

from datetime import timedelta
from threading import Event as Flag

import structlog

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.events import Event
from customers.commands.company_references import company_values, save_company_reference
from customers.commands.import_work import work
from customers.commands.imports import purge_old_imports
from customers.commands.transfers import continue_transfer, start_transfer
from customers.commands.user_references import member_values, save_user_reference
from customers.queries.transfers import list_pending_transfers
from customers.schemas.import_rows import RowReader

log = structlog.get_logger()


def on_membership_changed(session: Session, event: Event) -> None:
    """Know the user whom customers of this company can be assigned to, and whether they can be now."""
    is_member = event.data["after"] is not None
    membership = event.data["after"] or event.data["before"]
    values = member_values(membership, is_member=is_member)
    save_user_reference(session, membership["user_id"], event.record_id, event.aggregate_version, values)


def on_member_deactivated(session: Session, event: Event) -> None:
    """Let nobody be assigned to the user any more, and begin to hand their customers over."""
    on_membership_changed(session, event)
    membership = event.data["after"]
    start_transfer(session, membership["user_id"], membership["transfer_plan"])


def transfer_customers(database: Database, stop: Flag) -> None:
    """Carry on with every transfer, a few customers to a transaction; one that fails holds up no other."""
    with database.session() as session:
        pending = list_pending_transfers(session)
    for transfer in pending:
        context = Context(
            company_id=transfer.company_id, request_id=transfer.correlation_id, causation_id=transfer.event_id
        )
        with acting_as(context):
            try:
                more = True
                while more and not stop.is_set():
                    with database.transaction() as session:
                        more = continue_transfer(session, transfer.id)
            except Exception:
                log.exception("transfer failed", transfer_id=transfer.id)


def on_company_changed(session: Session, event: Event) -> None:
    """Know where the company is and what it has set."""
    save_company_reference(session, event.aggregate_version, company_values(event.data["after"]))


def work_on_imports(database: Database, stop: Flag) -> None:
    """Try, run and revert the imports that wait for it."""
    work(database, stop, lambda job: RowReader(job.columns, job.mapping, job.mode, job.match_by))


def purge_imports(database: Database, stop: Flag) -> None:
    """Delete the rows and errors of imports that cannot be reverted any more, in small transactions."""
    gone = 1
    while gone and not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            gone = purge_old_imports(session)


MEMBERSHIP = ("created", "updated", "suspended", "activated", "removed")
COMPANY = ("created", "updated", "suspended", "activated")
SUBSCRIPTIONS = Subscriptions(
    bindings=("*.user_company.*.v1", "*.company.*.v1"),
    handlers={f"crm.user_company.{action}.v1": on_membership_changed for action in MEMBERSHIP}
    | {"crm.user_company.deactivated.v1": on_member_deactivated}
    | {f"crm.company.{action}.v1": on_company_changed for action in COMPANY},
)
SCHEDULES = (
    Schedule("transfer-customers", timedelta(seconds=5), transfer_customers),
    Schedule("work-on-imports", timedelta(seconds=1), work_on_imports),
    Schedule("purge-imports", timedelta(hours=1), purge_imports),
)
