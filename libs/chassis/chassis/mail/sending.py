"""The worker's turn at letters: claim one, send it outside of any transaction, note what became of it."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import structlog
from prometheus_client import Counter

from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.mail.letters import Carrier, Letter, Mailer, NotSentError
from chassis.mail.mails import FAILED, PENDING, SENT, WITHDRAWN, Mails, delay
from chassis.metrics import show_from_zero

# Longer than any attempt takes, so that nobody else sends what is being sent.
LEASE_SECONDS = 120
# Other jobs of the worker wait for this one.
TURN_SECONDS = 20.0

ATTEMPTS = Counter("crm_mails", "Attempts to send a letter, by what came of them.", ["result"])
show_from_zero(ATTEMPTS, ("sent", "withdrawn", "put_off", "given_up"))

Prepare = Callable[[Session, Letter], Letter | None]

log = structlog.get_logger()


def send_letters(database: Database, mailer: Mailer, mails: Mails, *, prepare: Prepare | None = None) -> int:
    """Send what is due, over one connection, for at most TURN_SECONDS; answers how many letters left.

    `prepare` gets each letter before every attempt, in a transaction of its tenant, and answers it as it is to leave,
    or None for one that has nothing to say any more: that one is withdrawn.

    A process that dies between sending and noting it sends that letter again when its lease is over: at worst it
    arrives twice, with the same Message-ID, and it is never lost.
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
            leaving = letter if prepare is None else _prepared(database, letter, mails, prepare)
            if leaving is None:
                continue
            try:
                carrier = carrier or connection.enter_context(mailer.open())
                carrier.carry(leaving)
            except NotSentError as error:
                _put_off(database, letter, mails, error)
                if error.away:
                    break
            else:
                with database.transaction() as session:
                    mails.settle(session, letter, SENT)
                ATTEMPTS.labels("sent").inc()
                sent += 1
    return sent


def _prepared(database: Database, letter: Letter, mails: Mails, prepare: Prepare) -> Letter | None:
    """The letter as it leaves now. One that cannot be made ready is tried again later and holds up no other."""
    try:
        with acting_as(Context(company_id=letter.company_id)), database.transaction() as session:
            leaving = prepare(session, letter)
            if leaving is None:
                mails.settle(session, letter, WITHDRAWN)
    except Exception as error:
        log.exception("mail_not_prepared", mail_id=letter.id)
        _put_off(database, letter, mails, NotSentError(type(error).__name__))
        return None
    if leaving is None:
        ATTEMPTS.labels("withdrawn").inc()
    return leaving


def _put_off(database: Database, letter: Letter, mails: Mails, error: NotSentError) -> None:
    """Have a letter tried again later, or give it up; then its text, and the secret in it, is gone."""
    seconds = None if error.for_good else delay(letter.attempts)
    with database.transaction() as session:
        if seconds is None:
            mails.settle(session, letter, FAILED, error=error.reason)
        else:
            mails.settle(session, letter, PENDING, error=error.reason, retry_seconds=seconds)
    if seconds is None:
        ATTEMPTS.labels("given_up").inc()
        log.error("mail_given_up", mail_id=letter.id, attempts=letter.attempts, error=error.reason)
    else:
        ATTEMPTS.labels("put_off").inc()
        log.warning("mail_put_off", mail_id=letter.id, attempts=letter.attempts, error=error.reason, seconds=seconds)
