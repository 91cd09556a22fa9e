"""The imports of a service: their tables, events and targets, as everything else of the engine takes them."""

from collections.abc import Callable, Collection, Mapping, Sequence

from chassis.db.json_view import JsonView
from chassis.db.kinds import INTEGER, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Listing, of_actor
from chassis.db.records import Records
from chassis.db.waiting import WaitingRows
from chassis.references import UserReference
from imports.engine.events import ImportEvents
from imports.engine.jobs import Jobs
from imports.engine.lifecycle import STATES
from imports.engine.store import Store
from imports.engine.tables import ImportTables, error_view
from imports.engine.target import Target
from imports.proposal import Column
from imports.rows import ERROR, WARNING


class Imports:
    """The imports that one set of tables holds, seen by one permission; `targets` are what files hold, by record type.

    `view` is what an import shows of itself, `source` the service in events, `noun` what an import is called in errors.
    Where there are several targets, `record_type_of` answers which of them a file's columns seem to be of.
    `reads` are permissions to read records of other kinds that rows name: who lacks one is held to what is their own.
    """

    def __init__(
        self,
        tables: ImportTables,
        view: JsonView,
        *,
        source: str,
        noun: str,
        events: ImportEvents,
        users: UserReference,
        targets: Mapping[str, Target],
        reads: Collection[str] = (),
        record_type_of: Callable[[Sequence[Column]], str] | None = None,
    ) -> None:
        self.tables = tables
        self.view = view
        self.events = events
        self.users = users
        self.targets = targets
        self.reads = frozenset(reads)
        self.record_type_of = record_type_of
        own = of_actor(tables.imports, ("created_by",))
        self.records = Records(view, source=source, noun=noun, own=own)
        self.listing = Listing(
            view,
            filters={
                "state": choice_of(*STATES),
                "record_type": choice_of(*targets),
                "created_by": INTEGER,
                "created_at": TIMESTAMP,
            },
            sorts=("created_at",),
            own=own,
        )
        self.errors = Listing(
            error_view(tables.errors),
            filters={"import_id": INTEGER, "code": TEXT, "severity": choice_of(ERROR, WARNING)},
            sorts=("line",),
            default_sort=(("line", False),),
        )
        self.waiting = WaitingRows(tables.imports, operation=True)
        self.store = Store(tables)
        self.jobs = Jobs(tables, self.records, users, targets)
