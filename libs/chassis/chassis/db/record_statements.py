"""The statements of `Records`, each compiled once for the shape that it has."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Table,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from chassis.db.json_view import JsonView
from chassis.db.statements import TENANT, Prepared, of_tenant

_WHOLE = bindparam("of_whole", type_=BigInteger())


def this(table: Table) -> Sequence[ColumnElement[bool]]:
    """The conditions that name one record of the tenant, with the parameter of_id."""
    return of_tenant(table), table.c.id == bindparam("of_id", type_=BigInteger())


def among(table: Table) -> Sequence[ColumnElement[bool]]:
    """The conditions that name records of the tenant, with the parameter of_ids."""
    return of_tenant(table), table.c.id == any_(bindparam("of_ids", type_=ARRAY(BigInteger)))


def in_order(view: JsonView, *where: ColumnElement[bool], lock: bool = True) -> Select[Any]:
    """SELECT (document, id, version) of the records that `where` names, in the order of their ids, as all lock them."""
    documents = view.documents(*where).order_by(view.table.c.id)
    row = (documents.with_for_update() if lock else documents).subquery("r")
    return select(func.row_to_json(literal_column("r")), row.c["id"], row.c["version"]).select_from(row)


@lru_cache(maxsize=512)
def get_one(view: JsonView, own: ColumnElement[bool] | None, lock: bool) -> Prepared:
    """The record of_id; with `own` if the parameter `actor` may see it."""
    return Prepared(view.one(*this(view.table), *([] if own is None else [own]), lock=lock))


@lru_cache(maxsize=128)
def get_many(view: JsonView, own: ColumnElement[bool] | None, lock: bool) -> Prepared:
    """The records of_ids; with the condition `own` those of the parameter `actor` alone."""
    seen = () if own is None else (own,)
    return Prepared(in_order(view, *among(view.table), *seen, lock=lock))


@lru_cache(maxsize=512)
def insert_one(view: JsonView, names: frozenset[str]) -> Prepared:
    """Insert a record of the tenant with these columns, from parameters with `new_` before the name."""
    table = view.table
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in sorted(names)}
    return Prepared(view.returning(insert(table).values(company_id=TENANT, **values)))


@lru_cache(maxsize=512)
def update_one(
    view: JsonView, names: frozenset[str], now: frozenset[str], merged: frozenset[str], anyway: bool
) -> Prepared:
    """Set the named columns (those in `now` to the transaction's time) where the version is still the expected one.

    Unless it is done `anyway`, one of them must have another value. PostgreSQL compares, because it alone knows that
    the amounts 5 and 5.00 are the same.
    """
    table = view.table
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in sorted(names)}
    values |= {name: table.c[name].concat(values[name]) for name in sorted(names & merged)}
    values |= dict.fromkeys(sorted(now), func.now())
    conditions = [*this(table), table.c.version == bindparam("of_version", type_=Integer())]
    if not anyway:
        conditions.append(or_(*(table.c[name].is_distinct_from(values[name]) for name in sorted(names))))
    return _written(view, values, conditions)


@lru_cache(maxsize=64)
def delete_many(table: Table) -> Prepared:
    """Delete the records of_ids."""
    return Prepared(delete(table).where(*among(table)))


@lru_cache(maxsize=128)
def lock_parts(view: JsonView, part_of: str, archived: bool) -> Prepared:
    """The live parts of the record of_whole, and with `archived` all of them."""
    live = [] if archived else [view.table.c.archived_at.is_(None)]
    return Prepared(in_order(view, *_of_whole(view.table, part_of), *live))


@lru_cache(maxsize=64)
def lock_gone_with(view: JsonView, part_of: str, whole: Table) -> Prepared:
    """Those parts that were archived by the same event as the record of_whole."""
    event_id = select(whole.c.archived_by_event).where(of_tenant(whole), whole.c.id == _WHOLE).scalar_subquery()
    return Prepared(in_order(view, *_of_whole(view.table, part_of), view.table.c.archived_by_event == event_id))


@lru_cache(maxsize=64)
def archive_many(view: JsonView) -> Prepared:
    """Archive the records of_ids by the event of_event."""
    event_id = bindparam("of_event", type_=view.table.c.archived_by_event.type)
    values = {"archived_at": func.now(), "archived_by_event": event_id}
    return _written(view, values, among(view.table))


@lru_cache(maxsize=64)
def restore_many(view: JsonView) -> Prepared:
    """Restore the records of_ids."""
    return _written(view, {"archived_at": None, "archived_by_event": None}, among(view.table))


def _of_whole(table: Table, part_of: str) -> Sequence[ColumnElement[bool]]:
    return of_tenant(table), table.c[part_of] == _WHOLE


def _written(view: JsonView, values: Mapping[str, Any], conditions: Sequence[ColumnElement[bool]]) -> Prepared:
    """An UPDATE that raises the version and answers the records as they are after it."""
    table = view.table
    raised = {"version": table.c.version + 1, "updated_at": func.now()}
    return Prepared(view.returning(update(table).where(*conditions).values(**values, **raised)))
