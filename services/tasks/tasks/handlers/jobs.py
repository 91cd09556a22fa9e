"""The jobs of the worker of the tasks service."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as Flag

import structlog

from chassis import events
from chassis.broker.failures import Verdict, judge
from chassis.broker.schedules import Schedule
from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.db.waiting import WaitingRows
from chassis.mail import Letter, MailJobs
from tasks.commands.customer_purges import purge_on
from tasks.commands.digests import begin_digests, forget_digests
from tasks.commands.firing import fire, note_failure
from tasks.commands.letters import make_letter
from tasks.commands.notifications import forget_old
from tasks.commands.retention import ACTIVITIES, TASKS, Expiring, expire
from tasks.commands.transfers import TRANSFERS
from tasks.commands.user_purges import PURGES
from tasks.models import MAILS, customer_purges
from tasks.queries.reminders import list_due

FIRED_AT_ONCE = 1000
FORGOTTEN_AT_ONCE = 1000
# A reminder waits for the disk most of its time, so a few go side by side; each has a connection of the pool.
THREADS = 4

log = structlog.get_logger()


def fire_reminders(database: Database, stop: Flag) -> None:
    """Serve the reminders that are due, each in a transaction of its own; one that fails holds up no other."""
    with ThreadPoolExecutor(THREADS) as pool:
        while not stop.is_set():
            with database.session() as session:
                found = list_due(session, FIRED_AT_ONCE)
            served = list(pool.map(lambda due: _serve(database, stop, *due), found))
            # What nobody could be told of waits for the next turn.
            if len(found) < FIRED_AT_ONCE or not any(served):
                return


def _serve(database: Database, stop: Flag, company_id: int, reminder_id: int) -> bool:
    if stop.is_set():
        return False
    with acting_as(Context(company_id=company_id, request_id=events.new_id())):
        try:
            with database.transaction() as session:
                fire(session, reminder_id)
        except Exception as error:
            log.exception("reminder failed", reminder_id=reminder_id)
            # A database that breaks off, or a lock, is not the reminder's fault: the next turn has it.
            if judge(error) in (Verdict.WAIT, Verdict.AGAIN):
                return False
            with database.transaction() as session:
                note_failure(session, reminder_id)
            return False
    return True


def forget_notifications(database: Database, stop: Flag) -> None:
    """Delete notifications after 90 days, in small transactions."""
    gone = FORGOTTEN_AT_ONCE
    while gone >= FORGOTTEN_AT_ONCE and not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            gone = forget_old(session, FORGOTTEN_AT_ONCE)


def _expire(database: Database, stop: Flag, expiring: Expiring) -> None:
    expire(database, stop, expiring)


def _made(session: Session, letter: Letter) -> Letter | None:
    return make_letter(session, letter, letters.settings.app_url)


letters = MailJobs(MAILS, prepare=_made)


def post_digests(database: Database, stop: Flag) -> None:
    """Have the digests sent that are due by the wall clocks of those who want them."""
    begin_digests(database, stop)


_CUSTOMER_PURGES = WaitingRows(customer_purges)


def purge_customers(database: Database, stop: Flag) -> None:
    """Remove what was about customers that were purged, a hundred records to a transaction, and the customers then."""
    _CUSTOMER_PURGES.work(database, stop, purge_on)


SCHEDULES: tuple[Schedule, ...] = (
    Schedule("transfer-tasks", timedelta(seconds=5), TRANSFERS.work),
    Schedule("purge-users", timedelta(seconds=5), PURGES.work),
    Schedule("purge-customers", timedelta(seconds=5), purge_customers),
    Schedule("fire-reminders", timedelta(seconds=2), fire_reminders),
    Schedule("expire-tasks", timedelta(days=1), lambda database, stop: _expire(database, stop, TASKS)),
    Schedule("expire-activities", timedelta(days=1), lambda database, stop: _expire(database, stop, ACTIVITIES)),
    Schedule("post-digests", timedelta(seconds=30), post_digests),
    Schedule("send-letters", timedelta(seconds=2), letters.send),
    Schedule("purge-mails", timedelta(hours=1), letters.purge),
    Schedule("forget-digests", timedelta(hours=1), forget_digests),
    Schedule("forget-notifications", timedelta(hours=1), forget_notifications),
)
