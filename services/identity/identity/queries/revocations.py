"""What the gateways have to refuse, as the document that their agents ask for twice a second."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Interval,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.functions import Function

from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.models import revocations
from identity.rules import ACCESS_TOKEN_LIFE

# Behind this, every token that a row is about has expired by itself. The minutes on top are for a token that was signed
# while the revocation was not committed yet.
HORIZON = ACCESS_TOKEN_LIFE + timedelta(minutes=5)
LARGEST_CURSOR = 2**63 - 1

_row = revocations.c
# The oldest transaction that is still open. What it will write carries its id or a higher one, so whoever asks for all
# rows from here on misses no commit, however late it comes; rows that are told twice do no harm. PostgreSQL takes both
# the cursor and the rows from one snapshot, because they are one statement.
_OPEN = cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text)


def _document() -> Select[tuple[bytes]]:
    def of(kind: str, aggregate: Function[Any], empty: str) -> ColumnElement[Any]:
        return func.coalesce(aggregate.filter(_row.kind == literal_column(f"'{kind}'")), literal_column(empty))

    closed = _row.value == literal_column("1")
    return select(
        func.json_build_object(
            literal_column("'cursor'"),
            _OPEN,
            literal_column("'users'"),
            of("user", func.json_object_agg(_row.key, _row.value), "'{}'::json"),
            literal_column("'sessions'"),
            of("session", func.json_agg(_row.key), "'[]'::json"),
            literal_column("'companies'"),
            of("company", func.json_object_agg(_row.key, closed), "'{}'::json"),
        )
    ).where(
        (_row.changed_at > func.now() - bindparam("horizon", HORIZON, Interval()))
        | ((_row.kind == literal_column("'company'")) & closed)
    )


_ALL = Prepared(_document())
# A cursor from the future is one of a database that was replaced by its backup: then everything is news.
_given = bindparam("after", type_=BigInteger())
_SINCE = Prepared(
    _document().where(
        _row.changed_in >= case((_given <= cast(_OPEN, BigInteger), _given), else_=literal_column("0", Integer()))
    )
)


def list_revocations(session: Session, after: int | None) -> bytes:
    """All that is revoked now, or with `after`, the cursor of an earlier answer, what has changed since."""
    rows = session.fetch(_ALL) if after is None else session.fetch(_SINCE, after=after)
    document = rows[0][0]
    assert isinstance(document, bytes)
    return document
