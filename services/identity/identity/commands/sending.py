"""The worker's turn at letters: claim one, send it outside of any transaction, note what became of it."""

import time
from contextlib import ExitStack

import structlog
from prometheus_client import Counter

from chassis.db.session import Database
from identity import rules
from identity.commands import mails
from identity.mailer import Carrier, Letter, Mailer, NotSentError

# Longer than any attempt takes, so that nobody else sends what is being sent.
LEASE_SECONDS = 120
# Other jobs of the worker wait for this one.
TURN_SECONDS = 20.0

SENT = Counter("crm_mails", "Attempts to send a letter, by what came of them.", ["result"])

log = structlog.get_logger()


def send_letters(database: Database, mailer: Mailer) -> int:
    """Send what is due, over one connection, for at most TURN_SECONDS; answers how many letters left.

    A process that dies between sending and noting it sends that letter again when its lease is over: at worst it
    arrives twice, and it is never lost.
    """
    until = time.monotonic() + TURN_SECONDS
    sent = 0
    with ExitStack() as connection:
        carrier: Carrier | None = None
        while time.monotonic() < until:
            with database.transaction() as session:
                letter = mails.claim(session, LEASE_SECONDS)
            if letter is None:
                break
            try:
                carrier = carrier or connection.enter_context(mailer.open())
                carrier.carry(letter)
            except NotSentError as error:
                _put_off(database, letter, error)
                if error.away:
                    break
            else:
                with database.transaction() as session:
                    mails.settle(session, letter, "sent")
                SENT.labels("sent").inc()
                sent += 1
    return sent


def _put_off(database: Database, letter: Letter, error: NotSentError) -> None:
    """Have a letter tried again later, or give it up; then its text, and the secret in it, is gone."""
    delay = None if error.for_good else rules.mail_delay(letter.attempts)
    with database.transaction() as session:
        if delay is None:
            mails.settle(session, letter, "failed", error=error.reason)
        else:
            mails.settle(session, letter, "pending", error=error.reason, retry_seconds=delay)
    if delay is None:
        SENT.labels("given_up").inc()
        log.error("mail_given_up", mail_id=letter.id, attempts=letter.attempts, error=error.reason)
    else:
        SENT.labels("put_off").inc()
        log.warning("mail_put_off", mail_id=letter.id, attempts=letter.attempts, error=error.reason, seconds=delay)
