"""What the worker knows of an import that it works on, and how it says how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, func, select, update

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.models import COMPANY, USERS
from customers.models import customer_imports as imports
from customers.queries.imports import RECORDS
from customers.rules import importing
from customers.rules.duplicates import Rules

_THIS = (of_tenant(imports), imports.c.id == bindparam("of_import", type_=BigInteger))
_POSITION = Prepared(select(imports.c.next_chunk, imports.c.first_code).where(*_THIS))
_HOLD = Prepared(select(imports.c.state, imports.c.next_chunk).where(*_THIS).with_for_update())
_AROUND = Prepared(
    select(
        select(COMPANY.table.c.region).where(of_tenant(COMPANY.table)).scalar_subquery(),
        select(COMPANY.table.c.settings).where(of_tenant(COMPANY.table)).scalar_subquery(),
        select(USERS.table.c.is_active)
        .where(of_tenant(USERS.table), USERS.table.c.user_id == bindparam("actor", type_=BigInteger))
        .scalar_subquery(),
    )
)
_DONE = ("processed_rows", "created_rows", "updated_rows", "unchanged_rows", "failed_rows", "duplicate_rows")
_COUNTS = (*_DONE, "reverted_rows", "kept_rows")
_IN_STATE = imports.c.state == bindparam("in_state", type_=imports.c.state.type)
_COUNT = Prepared(
    update(imports)
    .values(
        updated_at=func.now(),
        **{name: imports.c[name] + bindparam(f"more_{name}", type_=Integer) for name in _COUNTS},
    )
    .where(*_THIS, _IN_STATE)
)
_REACH = Prepared(update(imports).values(next_chunk=bindparam("reached", type_=Integer)).where(*_THIS, _IN_STATE))
_SHOW = Prepared(
    update(imports).values(**{name: bindparam(f"now_{name}", type_=Integer) for name in _DONE}).where(*_THIS, _IN_STATE)
)
_RESERVE = Prepared(update(imports).values(first_code=bindparam("first", type_=BigInteger)).where(*_THIS))


class StoppedError(Exception):
    """The worker is to end, or the import was cancelled."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import as it was when the worker took it up, with what is known of its company and of who began it."""

    id: int
    state: str
    mode: str
    match_by: str | None
    all_or_nothing: bool
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    mapping: dict[str, str]
    total_rows: int | None
    failed_rows: int
    next_chunk: int
    first_code: int | None
    region: str | None
    header_line: int
    # How cells are read: on_unknown, value_mapping, date_format and decimal_mark.
    options: dict[str, Any]
    # What the company does with likely duplicates, and by what it goes.
    duplicates: str
    rules: Rules
    actor_is_active: bool


def take_up(session: Session, import_id: int) -> Job:
    """Read what there is to know. Raises NotFound."""
    known = RECORDS.get(session, import_id).document
    next_chunk, first_code = session.fetch(_POSITION, of_import=import_id)[0]
    region, settings, active = session.fetch(_AROUND, actor=current().user_id)[0]
    return Job(
        id=import_id,
        state=known["state"],
        mode=known["mode"],
        match_by=known["match_by"],
        all_or_nothing=known["all_or_nothing"],
        encoding=known["encoding"] or "",
        delimiter=known["delimiter"] or "",
        columns=tuple(column["name"] for column in known["columns"]),
        mapping=known["mapping"],
        total_rows=known["total_rows"],
        failed_rows=known["failed_rows"],
        next_chunk=next_chunk,
        first_code=first_code,
        region=region,
        header_line=known["header_line"],
        options={name: known[name] for name in importing.READING},
        duplicates=str((settings or {}).get("duplicates")),
        rules=Rules.of(settings),
        actor_is_active=active is not False,
    )


def hold(session: Session, job: Job, chunk: int) -> None:
    """Lock the import until the transaction ends. Raises StoppedError where it is no longer where it was."""
    session.connection()
    state, next_chunk = session.fetch(_HOLD, of_import=job.id)[0]
    if (state, next_chunk) != (job.state, chunk):
        raise StoppedError


def count(session: Session, job: Job, more: Mapping[str, int]) -> None:
    """Add to what is counted, last of all: two chunks that run at once wait for each other here.

    Raises StoppedError for an import that was cancelled meanwhile; nothing of the transaction is to be kept then.
    """
    counts = {f"more_{name}": more.get(name, 0) for name in _COUNTS}
    _refuse_none(session.run(_COUNT, of_import=job.id, in_state=job.state, **counts))


def reach(session: Session, job: Job, chunk: int) -> None:
    """Say which chunk comes next. Raises StoppedError."""
    _refuse_none(session.run(_REACH, of_import=job.id, in_state=job.state, reached=chunk))


def show(session: Session, job: Job, now: Mapping[str, int]) -> None:
    """Say how far a transaction is that takes all rows at once. Raises StoppedError."""
    counts = {f"now_{name}": now.get(name, 0) for name in _DONE}
    _refuse_none(session.run(_SHOW, of_import=job.id, in_state=job.state, **counts))


def _refuse_none(touched: int) -> None:
    if touched == 0:
        raise StoppedError


def reserve_codes(session: Session, job: Job, first: int) -> None:
    """Keep the first of the codes that were drawn for this import, so that whoever resumes it gives out the same."""
    session.run(_RESERVE, of_import=job.id, first=first)
