"""Letters: written in the transaction of what they tell of, sent by the worker."""

from sqlalchemy import bindparam, insert

from chassis.context import tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.models import mails

_COLUMNS = ("company_id", "recipient", "subject", "body")
_POST = Prepared(insert(mails).values({name: bindparam(name, type_=mails.c[name].type) for name in _COLUMNS}))


def post(session: Session, *, recipient: str, subject: str, body: str) -> None:
    """Have a plain-text letter sent once this transaction has committed; one that rolls back sends none."""
    session.run(_POST, company_id=tenant(), recipient=recipient, subject=subject, body=body)
