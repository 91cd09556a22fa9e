"""What identity's worker does by itself: answer who tried to sign in, send letters, delete what is past its time."""

from datetime import timedelta
from threading import Event as Flag

from sqlalchemy import Integer, bindparam, func, select

from chassis.broker.schedules import Schedule
from chassis.db.session import Database
from chassis.db.statements import Prepared
from chassis.mail import MailJobs
from identity.commands import answering
from identity.models import MAILS

PURGE_BATCH = 1000

_PURGE = Prepared(select(func.purge_identity(bindparam("most", type_=Integer))), writes=True)

letters = MailJobs(MAILS)


def answer_login_attempts(database: Database, stop: Flag) -> None:
    """Answer those who tried to sign in, then send the letters that are due, those of the answers among them."""
    try:
        answering.answer_login_attempts(database, letters.settings.app_url)
    finally:
        letters.send(database, stop)


def purge_identity(database: Database, stop: Flag) -> None:
    """Delete what nobody needs any more, in small transactions."""
    gone = 1
    while gone and not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            gone = session.fetch(_PURGE, most=PURGE_BATCH)[0][0]


SCHEDULES = (
    Schedule("answer-login-attempts", timedelta(seconds=1), answer_login_attempts),
    Schedule("purge-identity", timedelta(hours=1), purge_identity),
    Schedule("purge-mails", timedelta(hours=1), letters.purge),
)
