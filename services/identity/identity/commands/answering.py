"""The worker's turn at login attempts: those of an account are answered, the others forgotten."""

import structlog

from chassis.db.session import Database, Session
from identity.commands import letters, login_attempts, security
from identity.commands.acting import working_for
from identity.queries.memberships import list_workplaces
from identity.queries.users import find_login

log = structlog.get_logger()


def answer_login_attempts(database: Database, app_url: str) -> int:
    """Answer what was put down, oldest first, each in a transaction of its own; answers how many there were.

    One that cannot be answered is left for the next turn, and holds up no other; after a day it is deleted.
    """
    after = answered = 0
    while True:
        try:
            with database.transaction() as session:
                attempt = login_attempts.take(session, after)
                if attempt is None:
                    return answered
                after = attempt.id
                with attempt.remembered():
                    _answer(session, attempt, app_url)
            answered += 1
        except LookupError:
            log.exception("login_attempt_not_answered", attempt_id=after)


def _answer(session: Session, attempt: login_attempts.LoginAttempt, app_url: str) -> None:
    login = find_login(session, attempt.email, None)
    if login is None:
        return
    if attempt.kind == "sign_in_failed":
        workplaces = list_workplaces(session, login.user_id)
        if workplaces:
            with working_for(session, workplaces[0].company_id, None):
                security.note(session, "sign_in_failed", user_id=login.user_id)
    elif login.is_active and login.company_id is not None:
        with working_for(session, login.company_id, None):
            letters.offer_reset(session, app_url, login.user_id)
            security.note(session, "password_forgotten", user_id=login.user_id)
