"""Letters: written in the transaction of what they tell of, claimed and settled by the worker that sends them."""

import re

from sqlalchemy import Integer, Text, bindparam, column, func, insert, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values
from identity.mailer import Letter
from identity.models import mails
from identity.rules import EMAIL_PATTERN

LONGEST_SUBJECT = 200
_ADDRESS = re.compile(EMAIL_PATTERN + r"(?!\n)")
_COLUMNS = ("recipient", "subject", "body")
_POST = Prepared(insert(mails).values(named_values(mails, _COLUMNS)))
_CLAIMED = ("company_id", "id", "recipient", "subject", "body", "attempts")
# The functions of migration 0003: this role may write letters and read none, except the ones that it is to send now.
_CLAIM = Prepared(
    select(*(column(name) for name in _CLAIMED)).select_from(
        func.claim_mails(1, bindparam("lease", type_=Integer)).table_valued(*_CLAIMED)
    ),
    writes=True,
)
_SETTLE = Prepared(
    select(
        func.settle_mail(
            bindparam("company", type_=mails.c.company_id.type),
            bindparam("of_mail", type_=mails.c.id.type),
            bindparam("attempt", type_=Integer),
            bindparam("new_status", type_=Text),
            bindparam("error", type_=Text),
            bindparam("retry_seconds", type_=Integer),
        )
    ),
    writes=True,
)


def post(session: Session, *, recipient: str, subject: str, body: str) -> None:
    """Have a plain-text letter sent once this transaction has committed; one that rolls back sends none.

    Names come from people and may hold line breaks: a subject is one line, whatever is in it. Raises ValueError for a
    recipient that is not one address.
    """
    if not is_address(recipient):
        raise ValueError("a letter goes to one e-mail address")
    line = " ".join("".join(c if c.isprintable() else " " for c in subject).split())
    session.run(_POST, recipient=recipient, subject=line[:LONGEST_SUBJECT], body=body)


def is_address(text: str) -> bool:
    """Whether a text is one e-mail address and nothing more: no list, no line break, no name."""
    return _ADDRESS.match(text) is not None and text.isprintable()


def link(app_url: str, page: str, token: str) -> str:
    """A link to a page of the application. The token is in its fragment, which no server and no proxy gets to log."""
    return f"{app_url.rstrip('/')}/{page}#token={token}"


def claim(session: Session, lease: int) -> Letter | None:
    """The letter that has been due for longest; nobody else gets it for `lease` seconds. None when none is due."""
    row = session.fetch_one(_CLAIM, lease=lease)
    return None if row is None else Letter(*row)


def settle(session: Session, letter: Letter, status: str, *, error: str | None = None, retry_seconds: int = 0) -> None:
    """Note what became of an attempt, unless another has begun since. The text goes with the last one."""
    session.fetch(
        _SETTLE,
        company=letter.company_id,
        of_mail=letter.id,
        attempt=letter.attempts,
        new_status=status,
        error=error,
        retry_seconds=retry_seconds,
    )
