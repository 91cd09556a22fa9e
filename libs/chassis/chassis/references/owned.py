"""The owner's side: its records as their events show them in `after`, for services that missed an event."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, Select, any_, bindparam, func, literal_column, select

from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant


class Owned:
    """What is answered of the records that `view` shows: those of the tenant, archived or not, by the id in `key`."""

    def __init__(self, view: JsonView, *, key: str = "id") -> None:
        column = view.table.c[key]
        most = bindparam("most", type_=Integer)

        def documents(condition: ColumnElement[bool]) -> Select[Any]:
            page = view.documents(of_tenant(view.table), condition).order_by(column).limit(most).subquery("r")
            number = page.c[key]
            return select(func.row_to_json(literal_column("r")), number).select_from(page).order_by(number)

        self._page = Prepared(documents(column > bindparam("after", type_=BigInteger)))
        self._named = Prepared(documents(column == any_(bindparam("ids", type_=ARRAY(BigInteger)))))

    def list_after(self, session: Session, after: int, most: int) -> bytes:
        """A page of the tenant's records by id; none for a tenant that there is not."""
        return page_of(session.fetch(self._page, after=after, most=most + 1), most)

    def list_named(self, session: Session, ids: Sequence[int]) -> bytes:
        """Those of the records that the tenant has."""
        return page_of(session.fetch(self._named, ids=list(ids), most=len(ids)), len(ids))


def page_of(rows: Sequence[tuple[Any, ...]], most: int) -> bytes:
    """The answer with these documents, each beside its id, and the id to go on behind where there are more."""
    following = str(rows[most - 1][1]).encode() if len(rows) > most else b"null"
    return b'{"data":[%s],"next":%s}' % (b",".join(row[0] for row in rows[:most]), following)
