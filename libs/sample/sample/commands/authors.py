"""Authors who were purged: their books name nobody then, a hundred to a transaction, and they go at the end."""

from sqlalchemy import BigInteger, Integer, bindparam, literal_column, select

from chassis.db.bulk import change_many
from chassis.db.record_statements import in_order
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.reference_purges import ReferencePurges
from sample.events import BOOK_UPDATED
from sample.models import AUTHORS, author_purges, books
from sample.queries.books import RECORDS
from sample.views import BOOK

AUTHOR_PURGES = ReferencePurges(author_purges, AUTHORS)

_AUTHOR = bindparam("of_author", type_=BigInteger)
_FIRST = (
    select(books.c.id)
    .where(of_tenant(books), books.c.author_id == _AUTHOR)
    .order_by(books.c.id)
    .limit(literal_column("100", Integer))
)
_NEXT = Prepared(in_order(BOOK, of_tenant(books), books.c.id.in_(_FIRST)))


def purge_on(session: Session, purge_id: int) -> bool:
    """Take an author out of the next books, each with its event; whether there are more."""
    return AUTHOR_PURGES.step(session, purge_id, _forget_next)


def _forget_next(session: Session, author_id: int) -> bool:
    found = [Record(*row) for row in session.fetch(_NEXT, of_author=author_id)]
    change_many(session, RECORDS, BOOK_UPDATED, [(book, {"author_id": None}) for book in found])
    return bool(found)
