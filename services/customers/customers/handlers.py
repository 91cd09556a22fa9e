"""Every event that the customers service consumes, and what it does about it."""

from datetime import timedelta
from threading import Event as Flag

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Database
from chassis.references import bindings, handlers
from customers.commands.import_work import work
from customers.commands.imports import purge_old_imports
from customers.commands.transfers import TRANSFERS
from customers.models import REFERENCES
from customers.schemas.import_rows import RowReader


def work_on_imports(database: Database, stop: Flag) -> None:
    """Validate, run and revert the imports that wait for it."""
    work(database, stop, lambda job: RowReader(job.columns, job.mapping, job.mode, job.match_by))


def purge_imports(database: Database, stop: Flag) -> None:
    """Delete the rows and errors of imports that cannot be reverted any more, in small transactions."""
    gone = 1
    while gone and not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            gone = purge_old_imports(session)


SUBSCRIPTIONS = Subscriptions(bindings=bindings(*REFERENCES), handlers=handlers(*REFERENCES, transfers=(TRANSFERS,)))
SCHEDULES = (
    Schedule("transfer-customers", timedelta(seconds=5), TRANSFERS.work),
    Schedule("work-on-imports", timedelta(seconds=1), work_on_imports),
    Schedule("purge-imports", timedelta(hours=1), purge_imports),
)
