"""Work that waits in tables of tenants: where there is some, and going on with it as each tenant.

The worker has no tenant when it looks for work, and row-level security shows it nothing. A function of the owner tells
it where rows wait (`chassis.db.migrations.create_waiting`), and in whose circumstances it goes on with each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any, Final

import structlog
from sqlalchemy import Integer, Table, bindparam, column, func, select

from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared

MOST = 100
# What a table may carry of the circumstances in which its rows were written, and where that is in the context.
CARRIED: Final[Mapping[str, str]] = {
    "company_id": "company_id",
    "created_by": "user_id",
    "own_only": "own_only",
    "correlation_id": "request_id",
    "event_id": "causation_id",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that waits for the worker, and the circumstances that it goes on in."""

    id: int
    context: Context


class WaitingRows:
    """The rows of `table` that wait, in all tenants.

    With `operation` the context names each of them as the operation (`imports/42`), for who listens to what it does to
    many records.
    """

    def __init__(self, table: Table, *, operation: bool = False) -> None:
        self._operation = table.name if operation else None
        self._carried = [name for name in CARRIED if name in table.c]
        columns = [column(name, table.c[name].type) for name in ("id", *self._carried)]
        function = getattr(func, f"waiting_{table.name}")(bindparam("most", type_=Integer))
        rows = function.table_valued(*(item.name for item in columns))
        self._statement = Prepared(select(*columns).select_from(rows))

    def find(self, session: Session, most: int = MOST) -> list[Waiting]:
        """Those that have waited longest, of all tenants."""
        return [self._waiting(*row) for row in session.fetch(self._statement, most=most)]

    def work(self, database: Database, stop: Flag, step: Callable[[Session, int], bool]) -> None:
        """Go on with each of them: `step` does some of it in a transaction and says whether there is more.

        One that fails is logged and holds up no other. Whoever dies between two steps has lost nothing of the first.
        """
        with database.session() as session:
            found = self.find(session)
        for waiting in found:
            with acting_as(waiting.context):
                try:
                    more = True
                    while more and not stop.is_set():
                        with database.transaction() as session:
                            more = step(session, waiting.id)
                except Exception:
                    log.exception("work_failed", record_id=waiting.id)

    def _waiting(self, row_id: int, *carried: Any) -> Waiting:
        named = {CARRIED[name]: value for name, value in zip(self._carried, carried, strict=True)}
        if "causation_id" in named:
            named["causation_id"] = str(named["causation_id"])
        operation = None if self._operation is None else f"{self._operation}/{row_id}"
        return Waiting(row_id, Context(operation=operation, **named))
