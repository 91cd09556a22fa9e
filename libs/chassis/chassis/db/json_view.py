"""A record as the outside sees it, built as JSON by PostgreSQL: the answer, the event's `after`, the audit's values.

Hydrating objects and dumping them through a schema costs several times what the query costs; here the row becomes text
once, in the server, and is passed on unparsed. The marshmallow schema, which takes its fields from the view, stays the
contract: what PostgreSQL builds is held to it in tests.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Insert,
    Numeric,
    Select,
    Table,
    Text,
    Update,
    cast,
    func,
    literal_column,
    select,
)


class JsonView:
    """The named columns of `table` that a record shows, in order. `extra` replaces or adds labelled expressions.

    Numeric columns become text, because a decimal amount is a string on the wire.
    """

    def __init__(self, table: Table, names: Sequence[str], *, extra: Sequence[ColumnElement[Any]] = ()) -> None:
        self.table = table
        self.name = table.name
        given = {getattr(column, "name", ""): column for column in extra}
        self.expressions = frozenset(given)
        self.columns: dict[str, ColumnElement[Any]] = {
            name: given[name] if name in given else _shown(table, name) for name in names
        }

    def documents(self, *where: ColumnElement[bool], names: Sequence[str] | None = None) -> Select[Any]:
        """SELECT of the records as rows of plain columns, for use as a derived table."""
        return select(*(self.columns[name] for name in names or self.columns)).where(*where)

    def one(self, *where: ColumnElement[bool], lock: bool = False) -> Select[Any]:
        """SELECT (document, id, version) of the record that `where` names; with `lock` under its row lock."""
        documents = self.documents(*where)
        row = (documents.with_for_update() if lock else documents).subquery("r")
        return _document(row)

    def returning(self, statement: Insert | Update) -> Select[Any]:
        """Make a write answer (document, id, version) of the row as it is after the write."""
        return _document(statement.returning(*self.columns.values()).cte("r"))


def _document(row: FromClause) -> Select[Any]:
    return select(func.row_to_json(literal_column("r")).label("document"), row.c["id"], row.c["version"]).select_from(
        row
    )


def _shown(table: Table, name: str) -> ColumnElement[Any]:
    column = table.c[name]
    if isinstance(column.type, Numeric):
        return cast(column, Text).label(name)
    return column
