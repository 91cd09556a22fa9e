"""The statements that keep a reference: guarded by version, and by tombstones where records can go for good."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    column,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.db.bulk import json_rows
from chassis.db.statements import TENANT, Prepared, of_tenant

SEEN = "seen_"
"""What the parameters begin with that name the state which a repair may replace."""


def save_statement(
    table: Table, key: str, guard: Sequence[str], mirrored: Sequence[str], *, kind: str, tombstones: Table | None
) -> Prepared:
    """Insert a reference, or write it over an older state; `guard` are the columns by which one is older."""
    new = _insert(table, key, (*guard, *mirrored), kind, tombstones)
    newer = row(table.c, guard) < row(new.excluded, guard)
    return Prepared(_over(new, key, (*guard, *mirrored), newer))


def save_many_statement(
    table: Table, key: str, guard: Sequence[str], mirrored: Sequence[str], *, kind: str, tombstones: Table | None
) -> Prepared:
    """The same of many references, the parameter `rows`: objects with these members, none of them there twice."""
    known = (*guard, *mirrored)
    given = json_rows("v", *(column(name, table.c[name].type) for name in (key, *known)))
    values: dict[str, Any] = {"company_id": TENANT} | {name: given.c[name] for name in (key, *known)}
    chosen = select(*values.values()).select_from(given).order_by(given.c[key])
    if tombstones is not None:
        chosen = chosen.where(~_is_gone(tombstones, kind, values[key], values["version"]))
    new = upsert(table).from_select(list(values), chosen)
    newer = row(table.c, guard) < row(new.excluded, guard)
    return Prepared(_over(new, key, known, newer))


def repair_statement(
    table: Table,
    key: str,
    guard: Sequence[str],
    mirrored: Sequence[str],
    *,
    kind: str,
    tombstones: Table | None,
    kept: ColumnElement[bool] | None = None,
) -> Prepared:
    """As above, and where what is kept is still what it was before its owner was asked, anything replaces it.

    Events tell of what the owner has committed, so it cannot have answered less unless what is kept here is wrong. What
    is `kept` is replaced by a newer state alone.
    """
    known = (*guard, *mirrored)
    new = _insert(table, key, known, kind, tombstones)
    newer = row(table.c, guard) < row(new.excluded, guard)
    differs = row(table.c, known).is_distinct_from(row(new.excluded, known))
    wrong = is_as_seen(table, guard) if kept is None else and_(is_as_seen(table, guard), not_(kept))
    return Prepared(_over(new, key, known, and_(or_(newer, wrong), differs)))


def is_as_seen(table: Table, guard: Sequence[str]) -> ColumnElement[bool]:
    """Whether a reference still is what the parameters say that was seen of it."""
    seen = func.row(*(bindparam(SEEN + name, type_=table.c[name].type) for name in guard))
    same: ColumnElement[bool] = row(table.c, guard) == seen
    return same


def of_reference(table: Table, key: str) -> tuple[ColumnElement[bool], ...]:
    """The conditions that name one reference of the tenant, with the parameter of_ref."""
    tenant = of_tenant(table)
    return (tenant,) if key == "company_id" else (tenant, table.c[key] == bindparam("of_ref", type_=BigInteger()))


def row(columns: Any, names: Sequence[str]) -> Any:
    """The named columns as one value, which PostgreSQL compares from the left."""
    return func.row(*(columns[name] for name in names))


def _insert(table: Table, key: str, names: Sequence[str], kind: str, tombstones: Table | None) -> Insert:
    values: dict[str, Any] = {"company_id": TENANT}
    if key != "company_id":
        values[key] = bindparam("of_ref", type_=BigInteger())
    values |= {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    if tombstones is None:
        return upsert(table).values(values)
    gone = _is_gone(tombstones, kind, values[key], values["version"])
    return upsert(table).from_select(list(values), select(*values.values()).where(~gone))


def _is_gone(tombstones: Table, kind: str, number: Any, version: Any) -> ColumnElement[bool]:
    return exists().where(
        of_tenant(tombstones),
        tombstones.c.kind == literal(kind),
        tombstones.c.ref_id == number,
        tombstones.c.version >= version,
    )


def _over(new: Insert, key: str, known: Sequence[str], where: ColumnElement[bool]) -> Insert:
    elements = ["company_id"] if key == "company_id" else ["company_id", key]
    written: dict[str, Any] = {name: new.excluded[name] for name in known} | {"updated_at": text("now()")}
    return new.on_conflict_do_update(index_elements=elements, set_=written, where=where)
