"""Letters as rows: written in the transaction of what they tell of, claimed and settled by who sends them."""

import re
import unicodedata
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    column,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.schema import SchemaItem

from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values
from chassis.db.tables import tenant_table, timestamp
from chassis.mail.letters import Letter
from people import emails

PENDING, SENT, FAILED, WITHDRAWN = "pending", "sent", "failed", "withdrawn"
LONGEST_SUBJECT = 200
FIRST_DELAY = 30
LONGEST_DELAY = 6 * 3600
MOST_ATTEMPTS = 18

# Beside letters, marks and digits.
_OF_NAMES = " .,'\N{RIGHT SINGLE QUOTATION MARK}-&()"
_LONGEST_NAME = 80

_CLAIMED: Final = ("company_id", "id", "recipient", "subject", "body", "attempts")
# The functions of `chassis.db.migrations.protect_mails`: the role of the service may write letters and read none,
# except the ones that it is to send now.
_CLAIM = Prepared(
    select(*(column(name) for name in _CLAIMED)).select_from(
        func.claim_mails(1, bindparam("lease", type_=Integer)).table_valued(*_CLAIMED)
    ),
    writes=True,
)


def mails_table(metadata: MetaData, *more: SchemaItem) -> Table:
    """The letters of a service on their way. The text goes when one was sent, because it may hold a secret.

    `more` are columns that say what a letter is about, and keys.
    """
    words = ", ".join(f"'{status}'" for status in (PENDING, SENT, FAILED, WITHDRAWN))
    return tenant_table(
        "mails",
        metadata,
        Column("recipient", String(255), nullable=False),
        Column("subject", String(LONGEST_SUBJECT), nullable=False),
        Column("body", Text),
        Column("status", String(20), nullable=False, server_default=text("'pending'")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        timestamp("next_attempt_at", default=True),
        timestamp("sent_at"),
        Column("last_error", String(500)),
        *more,
        CheckConstraint(f"status IN ({words})", name="status"),
        CheckConstraint("(status = 'pending') = (body IS NOT NULL)", name="body"),
        # Across tenants, both: the worker sends for all in turn, and deletes old ones for all at once.
        Index("ix_mails_due", "next_attempt_at", postgresql_where=text("status = 'pending'")),
        Index("ix_mails_updated_at", "updated_at", postgresql_where=text("status <> 'pending'")),
    )


class Mails:
    """The letters of a service. `more` are the columns of its own that each letter is posted with."""

    def __init__(self, table: Table, *more: str) -> None:
        self._post = Prepared(insert(table).values(named_values(table, ("recipient", "subject", "body", *more))))
        self._settle = Prepared(
            select(
                func.settle_mail(
                    bindparam("company", type_=table.c.company_id.type),
                    bindparam("of_mail", type_=table.c.id.type),
                    bindparam("attempt", type_=Integer),
                    bindparam("new_status", type_=Text),
                    bindparam("error", type_=Text),
                    bindparam("retry_seconds", type_=Integer),
                )
            ),
            writes=True,
        )

    def post(self, session: Session, *, recipient: str, subject: str, body: str, **more: Any) -> None:
        """Have a plain-text letter sent once this transaction has committed; one that rolls back sends none.

        Names come from people and may hold line breaks: a subject is one line, whatever is in it. Raises ValueError
        for a recipient that is not one address.
        """
        if not is_address(recipient):
            raise ValueError("a letter goes to one e-mail address")
        subject = one_line(subject)[:LONGEST_SUBJECT]
        session.run(self._post, recipient=recipient, subject=subject, body=body, **more)

    def claim(self, session: Session, lease: int) -> Letter | None:
        """The letter that has been due for longest; nobody else gets it for `lease` seconds. None when none is due."""
        row = session.fetch_one(_CLAIM, lease=lease)
        return None if row is None else Letter(*row)

    def settle(
        self, session: Session, letter: Letter, status: str, *, error: str | None = None, retry_seconds: int = 0
    ) -> None:
        """Note what became of an attempt, unless another has begun since. The text goes with the last one."""
        session.fetch(
            self._settle,
            company=letter.company_id,
            of_mail=letter.id,
            attempt=letter.attempts,
            new_status=status,
            error=error,
            retry_seconds=retry_seconds,
        )


def is_address(text: str) -> bool:
    """Whether a text is one e-mail address and nothing more: no list, no line break, no name."""
    return emails.is_email(text) and text == emails.clean_email(text)


def one_line(text: str) -> str:
    """A text of people as one line: a line break in it could make a letter say something else."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def as_name(text: str) -> str:
    """What a stranger calls themself or their company, for a letter to somebody who may not know them.

    It is short, and holds nothing that a mail program would make a link or an address of.
    """
    shown = "".join(c if c.isalnum() or c in _OF_NAMES or unicodedata.category(c)[0] == "M" else " " for c in text)
    # A point between letters makes a host's name; after it comes a space, as in "J. R. R. Tolkien".
    name = " ".join(re.sub(r"\.(?=\S)", ". ", shown).split())
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME].rstrip()}…"


def link(app_url: str, page: str, token: str) -> str:
    """A link to a page of the application. The token is in its fragment, which no server and no proxy gets to log."""
    return f"{app_url.rstrip('/')}/{page}#token={token}"


def delay(attempts: int) -> int | None:
    """After how many seconds a letter is tried again that could not be sent `attempts` times; None: it is given up.

    30 seconds, doubling up to six hours, for two days.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(FIRST_DELAY << (attempts - 1), LONGEST_DELAY)
