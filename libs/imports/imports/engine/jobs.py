"""What the worker knows of an import that it works on, and how it says how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, String, bindparam, func, select, update

from chassis.context import current
from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.references import UserReference
from imports.engine import lifecycle
from imports.engine.tables import ImportTables
from imports.engine.target import RowOptions, Target

_DONE = ("processed_rows", "created_rows", "updated_rows", "unchanged_rows", "failed_rows", "duplicate_rows")
GOES_ON: Mapping[str, Any] = {"waiting_for": None, "waiting_since": None}
_COUNTS = (*_DONE, "reverted_rows", "kept_rows")


class StoppedError(Exception):
    """The worker is to end, or the import was cancelled."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import as it was when the worker took it up, with what its rows are looked at by and who began it."""

    id: int
    target: Target
    record_type: str
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
    header_line: int
    # How cells are read: on_unknown, value_mapping, date_format, decimal_mark, and the system that the file is from.
    options: dict[str, Any]
    # What `Target.around` has read.
    around: Any
    actor_is_active: bool
    # Whether it has said that it waits for another service.
    waits: bool

    @property
    def row_options(self) -> RowOptions:
        """How the rows become records, looked at and not written."""
        empties = self.options["on_unknown"] == lifecycle.EMPTY
        return RowOptions(self.mode, self.match_by, self.around, empties)


class Jobs:
    """The imports that are worked on, and how far each is."""

    def __init__(
        self, tables: ImportTables, records: Records, users: UserReference, targets: Mapping[str, Target]
    ) -> None:
        self._records = records
        self._targets = targets
        imports, people = tables.imports, users.table
        this = (of_tenant(imports), imports.c.id == bindparam("of_import", type_=BigInteger))
        in_state = imports.c.state == bindparam("in_state", type_=imports.c.state.type)
        self._position = Prepared(select(imports.c.next_chunk, imports.c.first_code).where(*this))
        self._hold = Prepared(select(imports.c.state, imports.c.next_chunk).where(*this).with_for_update())
        self._active = Prepared(
            select(people.c.is_active).where(
                of_tenant(people), people.c.user_id == bindparam("actor", type_=BigInteger)
            )
        )
        more = {name: imports.c[name] + bindparam(f"more_{name}", type_=Integer) for name in _COUNTS}
        self._count = Prepared(update(imports).values(updated_at=func.now(), **more).where(*this, in_state))
        self._reach = Prepared(
            update(imports).values(next_chunk=bindparam("reached", type_=Integer)).where(*this, in_state)
        )
        now = {name: bindparam(f"now_{name}", type_=Integer) for name in _DONE}
        self._show = Prepared(update(imports).values(**now).where(*this, in_state))
        self._reserve = Prepared(update(imports).values(first_code=bindparam("first", type_=BigInteger)).where(*this))
        wait = {
            "waiting_for": bindparam("owner", type_=String),
            "waiting_since": func.coalesce(imports.c.waiting_since, func.now()),
        }
        self._wait = Prepared(update(imports).values(**wait).where(*this, in_state))
        self._go_on = Prepared(update(imports).values(**GOES_ON).where(*this, in_state))
        self._know_total = Prepared(
            update(imports)
            .values(total_rows=bindparam("total", type_=Integer))
            .where(*this, imports.c.state == lifecycle.VALIDATING)
        )

    def take_up(self, session: Session, import_id: int) -> Job:
        """Read what there is to know. Raises NotFound."""
        known = self._records.get(session, import_id).document
        target = self._targets[known["record_type"]]
        next_chunk, first_code = session.fetch(self._position, of_import=import_id)[0]
        active = session.fetch_one(self._active, actor=current().user_id)
        return Job(
            id=import_id,
            target=target,
            record_type=known["record_type"],
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
            header_line=known["header_line"],
            options={name: known[name] for name in (*lifecycle.READING, "profile")},
            around=target.around(session),
            actor_is_active=active is None or active[0] is not False,
            waits=known["waiting_since"] is not None,
        )

    def reached(self, session: Session, import_id: int) -> int:
        """How many chunks of a locked import have been done for good."""
        number: int = session.fetch(self._position, of_import=import_id)[0][0]
        return number

    def hold(self, session: Session, job: Job, chunk: int) -> None:
        """Lock the import until the transaction ends. Raises StoppedError where it is no longer where it was."""
        session.begin()
        state, next_chunk = session.fetch(self._hold, of_import=job.id)[0]
        if (state, next_chunk) != (job.state, chunk):
            raise StoppedError

    def count(self, session: Session, job: Job, more: Mapping[str, int]) -> None:
        """Add to what is counted, last of all: two chunks that run at once wait for each other here.

        Raises StoppedError for an import that was cancelled meanwhile; nothing of the transaction is to be kept then.
        """
        counts = {f"more_{name}": more.get(name, 0) for name in _COUNTS}
        _refuse_none(session.run(self._count, of_import=job.id, in_state=job.state, **counts))

    def reach(self, session: Session, job: Job, chunk: int) -> None:
        """Say which chunk comes next. Raises StoppedError."""
        _refuse_none(session.run(self._reach, of_import=job.id, in_state=job.state, reached=chunk))

    def show(self, session: Session, job: Job, now: Mapping[str, int]) -> None:
        """Say how far a transaction is that takes all rows at once. Raises StoppedError."""
        counts = {f"now_{name}": now.get(name, 0) for name in _DONE}
        _refuse_none(session.run(self._show, of_import=job.id, in_state=job.state, **counts))

    def wait(self, session: Session, job: Job, owner: str) -> None:
        """Say that it waits until this service answers."""
        session.run(self._wait, of_import=job.id, in_state=job.state, owner=owner)

    def go_on(self, session: Session, job: Job) -> None:
        """Say that it waits no more."""
        session.run(self._go_on, of_import=job.id, in_state=job.state)

    def reserve_codes(self, session: Session, job: Job, first: int) -> None:
        """Keep the first of the numbers that were drawn, so that whoever resumes the import gives out the same."""
        session.run(self._reserve, of_import=job.id, first=first)

    def know_total(self, session: Session, job: Job, total: int) -> None:
        """Say how many rows the file has."""
        session.run(self._know_total, of_import=job.id, total=total)


def _refuse_none(touched: int) -> None:
    if touched == 0:
        raise StoppedError
