"""What identity's worker does by itself: answer those who knocked, send letters, delete what is past its time."""

from datetime import timedelta
from functools import cache
from threading import Event as Flag

import structlog
from sqlalchemy import Integer, bindparam, func, select

from chassis.broker.schedules import Schedule
from chassis.db.session import Database
from chassis.db.statements import Prepared
from identity.commands import answering, sending
from identity.keys import IdentitySettings
from identity.mailer import Mailer

PURGE_BATCH = 1000

_PURGE = Prepared(select(func.purge_identity(bindparam("most", type_=Integer))), writes=True)

log = structlog.get_logger()


@cache
def _settings() -> IdentitySettings:
    """The worker's own settings; it has been told no key."""
    return IdentitySettings.from_environment()


@cache
def _mailer() -> Mailer | None:
    mailer = _settings().mailer()
    if mailer is None:
        log.warning("mail_not_configured", missing="MAIL_URL")
    return mailer


def see_to_the_door(database: Database, _stop: Flag) -> None:
    """Answer those who knocked, then send the letters that are due, those of the answers among them.

    One job, because a turn's connection costs more than the turn. Without a mail server letters wait.
    """
    try:
        answering.answer_knocks(database, _settings().app_url)
    finally:
        mailer = _mailer()
        if mailer is not None:
            sending.send_letters(database, mailer)


def purge_identity(database: Database, stop: Flag) -> None:
    """Delete what nobody needs any more, in small transactions."""
    gone = 1
    while gone and not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            gone = session.fetch(_PURGE, most=PURGE_BATCH)[0][0]


SCHEDULES = (
    Schedule("see-to-the-door", timedelta(seconds=1), see_to_the_door),
    Schedule("purge-identity", timedelta(hours=1), purge_identity),
)
