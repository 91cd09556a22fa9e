"""What a worker does about letters by itself: send those that are due, delete those past their time."""

from functools import cached_property
from threading import Event as Flag

import structlog
from sqlalchemy import Integer, bindparam, func, select

from chassis.db.session import Database
from chassis.db.statements import Prepared
from chassis.mail.letters import Mailer
from chassis.mail.mails import Mails
from chassis.mail.sending import Prepare, send_letters
from chassis.mail.settings import MailSettings

PURGE_BATCH = 1000

_PURGE = Prepared(select(func.purge_mails(bindparam("most", type_=Integer))), writes=True)

log = structlog.get_logger()


class MailJobs:
    """The jobs of a worker, with the settings that its environment has when the first one runs.

    `prepare` looks at each letter when it is about to leave; see `send_letters`.
    """

    def __init__(self, mails: Mails, *, prepare: Prepare | None = None) -> None:
        self._mails = mails
        self._prepare = prepare

    @cached_property
    def settings(self) -> MailSettings:
        """What the worker was told of letters."""
        return MailSettings.from_environment()

    @cached_property
    def _mailer(self) -> Mailer | None:
        mailer = self.settings.mailer()
        if mailer is None:
            log.warning("mail_not_configured", missing="MAIL_URL")
        return mailer

    def forget_settings(self) -> None:
        """Read them anew, in the next turn."""
        for name in ("settings", "_mailer"):
            self.__dict__.pop(name, None)

    def send(self, database: Database, _stop: Flag) -> None:
        """Send the letters that are due. Without a mail server they wait."""
        if self._mailer is not None:
            send_letters(database, self._mailer, self._mails, prepare=self._prepare)

    def purge(self, database: Database, stop: Flag) -> None:
        """Delete letters that left, or never will, 30 days after, in small transactions."""
        gone = 1
        while gone and not stop.wait(0.05):  # The service's own work goes first.
            with database.transaction() as session:
                gone = session.fetch(_PURGE, most=PURGE_BATCH)[0][0]
