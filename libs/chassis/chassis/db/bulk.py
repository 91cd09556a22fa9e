"""Many records in one statement, each with its event: what imports are made of.

A row costs a fraction of what it costs alone, because planning and round trips are paid once for all of them. The
caller has locked what is there and checked what is new: one row that breaks a constraint fails them all.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    update,
)

from chassis.context import current
from chassis.db import outbox
from chassis.db.record_statements import get_many
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.events import EventType


def lock_many(
    session: Session, records: Records, ids: Iterable[int], *, lock: bool = True, as_seen: bool = False
) -> dict[int, Record]:
    """Those of the tenant's records that are there, by id, locked in the order of their ids unless `lock` is false.

    With `as_seen` those alone that the actor sees.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    session.begin()
    context = current()
    own = records.own if as_seen and context.own_only else None
    actor = {} if own is None else {"actor": context.user_id}
    rows = session.fetch(get_many(records.view, own, lock), of_ids=wanted, **actor)
    return {row[1]: Record(*row) for row in rows}


def create_many(
    session: Session, records: Records, event_type: EventType, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, int]]:
    """Insert records of the tenant; a column that a row does not name gets its default.

    Answers their ids and versions in the order of the rows. Raises psycopg's IntegrityError for a constraint.
    """
    if not rows:
        return []
    names = tuple(sorted(set().union(*rows)))
    parameters = outbox.creation_parameters(event_type, records.source, len(rows))
    found = session.fetch(_inserted(records, names), rows=orjson.dumps(rows).decode(), **parameters)
    # Ids are drawn in the order of the rows.
    return sorted((row[0], row[1]) for row in found)


def create_later(session: Session, records: Records, event_type: EventType, values: Mapping[str, Any]) -> None:
    """Insert a record of the tenant, with its event, in one round trip with what follows, where nobody needs its id.

    A constraint that it breaks is raised there.
    """
    inserted = _inserted(records, tuple(sorted(values)))
    parameters = outbox.creation_parameters(event_type, records.source, 1)
    session.run_later(inserted, rows=orjson.dumps([values]).decode(), **parameters)


def change_many(
    session: Session, records: Records, event_type: EventType, changes: Sequence[tuple[Record, Mapping[str, Any]]]
) -> dict[int, Record]:
    """Write values over locked states; answers the new ones by id.

    Changes of the same fields make one statement; no record may be there twice. Raises psycopg's IntegrityError for a
    constraint.
    """
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for before, values in changes:
        groups.setdefault(tuple(sorted(values)), []).append({"id": before.id, **values})
    after: dict[int, Record] = {}
    for names, rows in groups.items():
        found = session.fetch(_updated(records, names), rows=orjson.dumps(rows).decode())
        after |= {row[1]: Record(*row) for row in found}
    outbox.record_many(
        session,
        event_type,
        source=records.source,
        changes=[
            outbox.Change(before.id, after[before.id].version, before.json, after[before.id].json)
            for before, _ in changes
        ],
    )
    return after


def json_rows(name: str, *columns: ColumnElement[Any]) -> Any:
    """The parameter `rows`, a JSON array of objects, as a derived table of these columns."""
    rows = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    return rows.table_valued(*columns, name=name).render_derived(name=name, with_types=True)


@lru_cache(maxsize=256)
def _inserted(records: Records, names: tuple[str, ...]) -> Prepared:
    table = records.view.table
    given = json_rows("v", *(column(name, table.c[name].type) for name in names))
    values: list[ColumnElement[Any]] = [_or_default(given.c[name], table.c[name]) for name in names]
    chosen = select(TENANT, *values).select_from(given)
    statement = insert(table).from_select(["company_id", *names], chosen)
    created = records.view.returning(statement).cte("created")
    recorded = outbox.recording_created(created)
    return Prepared(select(created.c.id, created.c.version).add_cte(recorded))


def _or_default(given: ColumnElement[Any], target: Column[Any]) -> ColumnElement[Any]:
    if target.server_default is None:
        return given
    default: Any = target.server_default.arg  # type: ignore[attr-defined]  # A DefaultClause has it.
    return func.coalesce(given, literal_column(f"'{default}'") if isinstance(default, str) else default)


@lru_cache(maxsize=512)
def _updated(records: Records, names: tuple[str, ...]) -> Prepared:
    table = records.view.table
    given = json_rows("v", column("id", BigInteger), *(column(name, table.c[name].type) for name in names))
    values: dict[str, Any] = {name: given.c[name] for name in names}
    statement = update(table).where(of_tenant(table), table.c.id == given.c.id)
    return Prepared(
        records.view.returning(statement.values(**values, version=table.c.version + 1, updated_at=func.now()))
    )
