"""The worker's way through the imports that wait: each in turn for a while, so that a long one holds up no other.

Two kinds of steps cannot be left for another's turn: reading a file, and all rows in one transaction. One that takes
longer than its turn goes on beside the turns of other tenants.

Every step commits what it did together with how far it is. The worker may die between any two instructions: what was
not committed has not happened, and whoever comes next goes on from there.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Event as Flag
from typing import Any

import psycopg
import sqlalchemy.exc
import structlog

from chassis.context import acting_as, current
from chassis.db.records import NOW
from chassis.db.session import Database, Session
from chassis.db.waiting import Waiting
from chassis.errors import Unavailable
from chassis.events import EventType
from chassis.references.asking import References
from imports.engine import chunks, lifecycle
from imports.engine.commands import NOTHING_DONE, NOTHING_FOUND, move_on, purge_old_imports
from imports.engine.definition import Imports
from imports.engine.jobs import Job, StoppedError
from imports.engine.lanes import Lanes
from imports.engine.reading import read_file
from imports.engine.reverting import revert_chunk
from imports.files import MalformedFile
from imports.rows import Outcome, Reader, ReadRow

TURN_SECONDS = 2.0
# Imports, each of another tenant, that go on beside those whose turn it is.
MOST_BESIDE = 2
# Of a turn: two lanes or what is written and its progress, and the chunk that is read ahead; and one that looks around.
CONNECTIONS = 3 * (1 + MOST_BESIDE) + 1
_LOOK_SECONDS = 0.2
# The database or a service that was asked is away, or somebody else was quicker: none is the import's fault.
_AWAY = (psycopg.OperationalError, sqlalchemy.exc.TimeoutError, Unavailable)

log = structlog.get_logger()

MakeReader = Callable[[Job], Reader]
Readers = Mapping[str, MakeReader]


# A chunk's number, its rows and what other services have said of them.
_Read = tuple[int, list[ReadRow], Any]


def work(
    imports: Imports, database: Database, stop: Flag, readers: Readers, references: References | None = None
) -> None:
    """Work on every import that waits until none does, or until `stop`; `readers` are by record type.

    Targets that ask other services do so by `references`.
    """
    beside: dict[int | None, Future[bool]] = {}
    with ThreadPoolExecutor(1 + MOST_BESIDE) as pool:
        while not stop.is_set():
            with database.session() as session:
                waiting = imports.waiting.find(session)
            done = _ended(beside)
            for working in waiting:
                company_id = working.context.company_id
                # A tenant's own imports wait for each other, however many there are.
                if company_id in beside or stop.is_set():
                    continue
                turn = pool.submit(_turn, imports, database, stop, readers, working, references=references)
                wait([turn], TURN_SECONDS)
                beside[company_id] = turn
                if len(beside) > MOST_BESIDE:
                    wait(beside.values(), return_when=FIRST_COMPLETED)
                done += _ended(beside)
            if not beside and not any(done):
                return
            wait(beside.values(), _LOOK_SECONDS, FIRST_COMPLETED)


def purge(imports: Imports, database: Database, stop: Flag) -> None:
    """Delete the rows and errors of imports that cannot be reverted any more, in small transactions."""
    gone = 1
    while gone and not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            gone = purge_old_imports(imports, session)


def _ended(turns: dict[int | None, Future[bool]]) -> list[bool]:
    """What came of those turns that have ended, which are taken out."""
    over = [company_id for company_id, turn in turns.items() if turn.done()]
    return [turns.pop(company_id).result() for company_id in over]


def _turn(
    imports: Imports,
    database: Database,
    stop: Flag,
    readers: Readers,
    working: Waiting,
    *,
    references: References | None,
) -> bool:
    """Work on one import for a while; False where it could not be worked on and is to be tried again later."""
    with acting_as(working.context):
        try:
            with database.session() as session:
                job = imports.jobs.take_up(session, working.id)
            steps = _Steps(imports, database, stop, job, readers[job.record_type](job), references=references)
            _take_steps(imports, database, job, steps)
        except StoppedError:
            return True
        except _AWAY:
            log.warning("import_interrupted", import_id=working.id, exc_info=True)
            return False
        return True


def _wait(imports: Imports, database: Database, job: Job) -> None:
    """Say for whom an import waits; the next turn says so where this one cannot."""
    with suppress(*_AWAY), database.transaction() as session:
        imports.jobs.wait(session, job, job.target.asks or "")


def _take_steps(imports: Imports, database: Database, job: Job, steps: "_Steps") -> None:
    if not job.actor_is_active and job.state != lifecycle.REVERTING:
        _fail(
            imports, database, job, "user_inactive", "Whoever began the import is not active in the company any more."
        )
        return
    try:
        steps.take()
    except Unavailable:
        if not job.waits:
            _wait(imports, database, job)
        raise
    except (StoppedError, *_AWAY):
        raise
    except Exception:
        log.exception("import_failed", import_id=job.id)
        _fail(
            imports, database, job, "internal_error", "The import met an error of ours; nothing of this step was kept."
        )


def _fail(imports: Imports, database: Database, job: Job, code: str, detail: str) -> None:
    values = {"state": lifecycle.FAILED, "error_code": code, "error_detail": detail, "finished_at": NOW}
    with database.transaction() as session:
        if job.all_or_nothing and job.state == lifecycle.RUNNING and not imports.jobs.reached(session, job.id):
            values |= NOTHING_DONE
        if job.state == lifecycle.VALIDATING:
            values |= NOTHING_FOUND
        move_on(imports, session, imports.events.failed, job.id, state=job.state, values=values)
    _forget_file(imports, database, job)


def _forget_file(imports: Imports, database: Database, job: Job) -> None:
    with database.transaction() as session:
        imports.store.parts.forget(session, job.id)


class _RefusedError(Exception):
    """A row was refused where all rows or none are to be imported."""

    def __init__(self, number: int, outcome: Outcome) -> None:
        super().__init__(number)
        self.number = number
        self.outcome = outcome


class _Steps:
    """One turn of one import: it works until it is done, the turn is over or the worker is to end."""

    def __init__(
        self,
        imports: Imports,
        database: Database,
        stop: Flag,
        job: Job,
        reader: Reader,
        *,
        references: References | None,
    ) -> None:
        self._imports = imports
        self._database = database
        self._stop = stop
        self._job = job
        self._reader = reader
        self._references = references
        self._waits = job.waits
        self._until = time.monotonic() + TURN_SECONDS
        self._is_broken_off = False

    @property
    def _is_over(self) -> bool:
        return self._stop.is_set() or time.monotonic() > self._until

    def take(self) -> None:
        match self._job.state:
            case lifecycle.VALIDATING:
                self._validate()
            case lifecycle.RUNNING if self._job.all_or_nothing:
                self._run_at_once()
            case lifecycle.RUNNING:
                self._run()
            case lifecycle.REVERTING:
                self._revert()

    def _in_turn(self, numbers: Iterable[int]) -> Iterator[int]:
        """These numbers until the turn is over: what has been read by then is worked on, so that no read is lost."""
        for at, number in enumerate(numbers):
            if self._stop.is_set() or (at and self._is_over):
                self._is_broken_off = True
                return
            yield number

    def _ahead(self, numbers: Iterable[int], told: Mapping[int, Any] | None = None) -> Iterator[_Read]:
        """These chunks of those that there are; while one is worked on, the one after it is read and checked.

        Other services are asked of each as it comes, unless what they have `told` is known.
        """
        context = current()

        def read(number: int) -> _Read | None:
            with acting_as(context):
                with self._database.transaction() as session:
                    session.begin()
                    rows = chunks.read_chunk(self._imports, session, self._job, number, self._reader)
                if rows is None:
                    return None
                return number, rows, self._ask(rows) if told is None else told.get(number)

        with ThreadPoolExecutor(1) as pool:
            coming: deque[Future[_Read | None]] = deque()
            for number in numbers:
                coming.append(pool.submit(read, number))
                if len(coming) > 1 and (found := coming.popleft().result()) is not None:
                    yield found
            for last in coming:
                if (found := last.result()) is not None:
                    yield found

    def _ask(self, rows: Sequence[ReadRow]) -> Any:
        target = self._job.target
        if target.asks is None:
            return None
        if self._references is None:
            raise Unavailable("reference_unavailable", f"Imports of {target.noun}s have nobody to ask.")
        told = target.ask(self._database, self._references, rows)
        if self._waits:
            self._waits = False
            with self._database.transaction() as session:
                self._imports.jobs.go_on(session, self._job)
        return told

    def _validate(self) -> None:
        job = self._job
        if job.total_rows is None:
            try:
                read_file(self._imports, self._database, job, self._stop)
            except MalformedFile as fault:
                values = {"state": lifecycle.UPLOADED, "error_code": fault.code, "error_detail": str(fault)}
                self._move_on(self._imports.events.updated, values)
                return
        with self._database.session() as session:
            last = len(self._imports.store.chunks.list(session, job.id))
        if job.next_chunk == 0:
            self._forget_seen()
        for number, rows, told in self._ahead(self._in_turn(range(job.next_chunk, last))):
            if self._stop.is_set():
                return
            with self._database.transaction() as session:
                chunks.validate_chunk(self._imports, session, job, number, rows, several=last > 1, told=told)
        if self._is_broken_off:
            return
        self._forget_seen()
        self._move_on(self._imports.events.updated, {"state": lifecycle.AWAITING})

    def _forget_seen(self) -> None:
        with self._database.transaction() as session:
            self._imports.store.seen.forget(session, self._job.id)

    def _run(self) -> None:
        """Two chunks at a time, each in a transaction of its own, where no row of one could meet a row of the other."""
        job, first = self._job, self._reserved_codes()
        with self._database.session() as session:
            waiting = {
                chunk.number: chunk for chunk in self._imports.store.chunks.list(session, job.id) if not chunk.done
            }
        with Lanes() as lanes:
            for number, rows, told in self._ahead(self._in_turn(waiting)):
                if self._stop.is_set():
                    return
                options = job.row_options
                keys: set[Any] = job.target.conflict_keys(rows, options)
                if options.mode != lifecycle.CREATE:
                    # A change gives up a name that no row of this chunk has, and a row of the next one may want.
                    keys.add("names")
                lanes.run(keys, self._run_one, number, rows, waiting[number].after(first), told)
        if self._is_broken_off:
            return
        with self._database.session() as session:
            failed = self._imports.records.get(session, job.id).document["failed_rows"]
        self._complete(lifecycle.COMPLETED_WITH_ERRORS if failed else lifecycle.COMPLETED)

    def _run_one(self, number: int, rows: list[ReadRow], codes: range, told: Any) -> None:
        with self._database.transaction() as session:
            self._imports.users.ensure_actor(session)
            outcome = chunks.run_chunk(self._imports, session, self._job, number, rows, codes=codes, told=told)
            self._imports.jobs.count(session, self._job, chunks.counts(outcome))

    def _run_at_once(self) -> None:
        """All rows in one transaction: as soon as one is refused, it is as if none had been begun."""
        first = self._reserved_codes()
        told = self._asked_before()
        try:
            with self._database.transaction() as session:
                self._run_all(session, first, told)
        except _RefusedError as refusal:
            with self._database.transaction() as session:
                chunks.keep_errors(self._imports, session, self._job, refusal.number, refusal.outcome.faults)
            detail = f"{refusal.outcome.failed} rows were refused, so none was imported."
            _fail(self._imports, self._database, self._job, "rows_refused", detail)
            return
        self._complete(lifecycle.COMPLETED)

    def _asked_before(self) -> dict[int, Any]:
        """What other services say of all rows: nobody is asked once the transaction that takes them has begun."""
        if self._job.target.asks is None:
            return {}
        with self._database.session() as session:
            numbers = [chunk.number for chunk in self._imports.store.chunks.list(session, self._job.id)]
        return {number: told for number, _, told in self._ahead(numbers)}

    def _run_all(self, session: Session, first: int, told: Mapping[int, Any]) -> None:
        self._imports.users.ensure_actor(session)
        done: Counter[str] = Counter()
        waiting = {chunk.number: chunk for chunk in self._imports.store.chunks.list(session, self._job.id)}
        for number, rows, said in self._ahead(waiting, told):
            codes = waiting[number].after(first)
            outcome = chunks.run_chunk(self._imports, session, self._job, number, rows, codes=codes, told=said)
            if outcome.failed:
                raise _RefusedError(number, outcome)
            done.update(chunks.counts(outcome))
            with self._database.transaction() as beside:
                self._imports.jobs.show(beside, self._job, done)
            if self._stop.is_set():
                raise StoppedError
        self._imports.jobs.show(session, self._job, done)
        self._imports.jobs.reach(
            session, self._job, len(waiting)
        )  # Whoever cancels it from here on knows that it is done.

    def _reserved_codes(self) -> int:
        """The first of the numbers put aside for the rows that need one: the same however often it is resumed.

        They are put aside at once, so that neither the import's own chunks wait for each other's numbers nor anybody
        else who creates such a record meanwhile.
        """
        job = self._job
        if job.first_code is not None:
            return job.first_code
        with self._database.transaction() as session:
            self._imports.jobs.hold(session, job, job.next_chunk)
            wanted = sum(len(chunk.codes) for chunk in self._imports.store.chunks.list(session, job.id))
            first = min(job.target.draw_numbers(session, wanted), default=0)
            self._imports.jobs.reserve_codes(session, job, first)
        return first

    def _revert(self) -> None:
        for number in range(self._job.next_chunk - 1, -1, -1):
            with self._database.transaction() as session:
                self._imports.users.ensure_actor(session)
                revert_chunk(self._imports, session, self._job, number)
            if self._is_over:
                return
        self._forget_seen()
        self._move_on(self._imports.events.reverted, {"state": lifecycle.REVERTED, "reverted_at": NOW})

    def _complete(self, state: str) -> None:
        self._move_on(self._imports.events.completed, {"state": state, "finished_at": NOW})
        _forget_file(self._imports, self._database, self._job)

    def _move_on(self, event_type: EventType, values: Mapping[str, Any]) -> None:
        with self._database.transaction() as session:
            move_on(self._imports, session, event_type, self._job.id, state=self._job.state, values=values)
