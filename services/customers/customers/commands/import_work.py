"""The worker's way through the imports that wait: each in turn for a while, so that a long one holds up no other.

Two kinds of steps cannot be left for another's turn: reading a file, and all rows in one transaction. One that takes
longer than its turn goes on beside the turns of other tenants.

Every step commits what it did together with how far it is. The worker may die between any two instructions: what was
not committed has not happened, and whoever comes next goes on from there.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event as Flag
from typing import Any, Self

import psycopg
import sqlalchemy.exc
import structlog

from chassis.context import acting_as, current
from chassis.db.records import NOW
from chassis.db.session import Database, Session
from chassis.db.waiting import Waiting
from chassis.events import EventType
from customers.commands import import_chunks as chunks
from customers.commands.import_jobs import (
    Job,
    StoppedError,
    count,
    hold,
    reach,
    reserve_codes,
    show,
    take_up,
)
from customers.commands.import_reading import forget_file, read_file
from customers.commands.import_rows import conflict_keys, draw_codes
from customers.commands.imports import NOTHING_DONE, move_on
from customers.events import (
    CUSTOMER_IMPORT_COMPLETED,
    CUSTOMER_IMPORT_FAILED,
    CUSTOMER_IMPORT_REVERTED,
    CUSTOMER_IMPORT_UPDATED,
)
from customers.models import USERS
from customers.queries.imports import WAITING, list_chunks
from customers.rules import importing
from imports.files import MalformedFile
from imports.rows import Outcome, Reader, ReadRow

TURN_SECONDS = 2.0
LANES = 2
# Imports, each of another tenant, that go on beside those whose turn it is.
MOST_BESIDE = 2
# Of a turn: two lanes or what is written and its progress, and the chunk that is read ahead; and one that looks around.
CONNECTIONS = 3 * (1 + MOST_BESIDE) + 1
_LOOK_SECONDS = 0.2
# The database is away, or somebody else was quicker: neither is the import's fault.
_AWAY = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError)

log = structlog.get_logger()

MakeReader = Callable[[Job], Reader]


def work(database: Database, stop: Flag, make_reader: MakeReader) -> None:
    """Work on every import that waits until none does, or until `stop`."""
    beside: dict[int | None, Future[bool]] = {}
    with ThreadPoolExecutor(1 + MOST_BESIDE) as pool:
        while not stop.is_set():
            with database.session() as session:
                waiting = WAITING.find(session)
            done = _ended(beside)
            for working in waiting:
                company_id = working.context.company_id
                # A tenant's own imports wait for each other, however many there are.
                if company_id in beside or stop.is_set():
                    continue
                turn = pool.submit(_turn, database, stop, make_reader, working)
                wait([turn], TURN_SECONDS)
                beside[company_id] = turn
                if len(beside) > MOST_BESIDE:
                    wait(beside.values(), return_when=FIRST_COMPLETED)
                done += _ended(beside)
            if not beside and not any(done):
                return
            wait(beside.values(), _LOOK_SECONDS, FIRST_COMPLETED)


def _ended(turns: dict[int | None, Future[bool]]) -> list[bool]:
    """What came of those turns that have ended, which are taken out."""
    over = [company_id for company_id, turn in turns.items() if turn.done()]
    return [turns.pop(company_id).result() for company_id in over]


def _turn(database: Database, stop: Flag, make_reader: MakeReader, working: Waiting) -> bool:
    """Work on one import for a while; False where it could not be worked on and is to be tried again later."""
    with acting_as(working.context):
        try:
            with database.session() as session:
                job = take_up(session, working.id)
            _take_steps(database, stop, job, make_reader(job))
        except StoppedError:
            return True
        except _AWAY:
            log.warning("import_interrupted", import_id=working.id, exc_info=True)
            return False
        return True


def _take_steps(database: Database, stop: Flag, job: Job, reader: Reader) -> None:
    if not job.actor_is_active and job.state != importing.REVERTING:
        _fail(database, job, "user_inactive", "Whoever began the import is not active in the company any more.")
        return
    try:
        _Steps(database, stop, job, reader).take()
    except (StoppedError, *_AWAY):
        raise
    except Exception:
        log.exception("import_failed", import_id=job.id)
        _fail(database, job, "internal_error", "The import met an error of ours; nothing of this step was kept.")


def _fail(database: Database, job: Job, code: str, detail: str) -> None:
    values = {"state": importing.FAILED, "error_code": code, "error_detail": detail, "finished_at": NOW}
    with database.transaction() as session:
        if job.all_or_nothing and job.state == importing.RUNNING and not take_up(session, job.id).next_chunk:
            values |= NOTHING_DONE
        move_on(session, CUSTOMER_IMPORT_FAILED, job.id, job.state, values)
    forget_file(database, job.id)


class _RefusedError(Exception):
    """A row was refused where all rows or none are to be imported."""

    def __init__(self, number: int, outcome: Outcome) -> None:
        super().__init__(number)
        self.number = number
        self.outcome = outcome


class _Steps:
    """One turn of one import: it works until it is done, the turn is over or the worker is to end."""

    def __init__(self, database: Database, stop: Flag, job: Job, reader: Reader) -> None:
        self._database = database
        self._stop = stop
        self._job = job
        self._reader = reader
        self._until = time.monotonic() + TURN_SECONDS

    @property
    def _is_over(self) -> bool:
        return self._stop.is_set() or time.monotonic() > self._until

    def take(self) -> None:
        match self._job.state:
            case importing.VALIDATING:
                self._validate()
            case importing.RUNNING if self._job.all_or_nothing:
                self._run_at_once()
            case importing.RUNNING:
                self._run()
            case importing.REVERTING:
                self._revert()

    def _ahead(self, numbers: Iterable[int]) -> Iterator[tuple[int, list[ReadRow]]]:
        """These chunks of those that there are; while one is worked on, the one after it is read and checked."""
        context = current()

        def read(number: int) -> list[ReadRow] | None:
            with acting_as(context), self._database.transaction() as session:
                session.connection()
                return chunks.read_chunk(session, self._job, number, self._reader)

        with ThreadPoolExecutor(1) as pool:
            coming: deque[tuple[int, Future[list[ReadRow] | None]]] = deque()
            for number in numbers:
                coming.append((number, pool.submit(read, number)))
                if len(coming) > 1 and (rows := coming[0][1].result()) is not None:
                    yield coming.popleft()[0], rows
            for number, found in coming:
                if (rows := found.result()) is not None:
                    yield number, rows

    def _validate(self) -> None:
        job = self._job
        if job.total_rows is None:
            try:
                read_file(self._database, job, self._stop)
            except MalformedFile as fault:
                values = {"state": importing.UPLOADED, "error_code": fault.code, "error_detail": str(fault)}
                self._move_on(CUSTOMER_IMPORT_UPDATED, values)
                return
        with self._database.session() as session:
            last = len(list_chunks(session, job.id))
        if job.next_chunk == 0:
            self._forget_seen()
        for number, rows in self._ahead(range(job.next_chunk, last)):
            with self._database.transaction() as session:
                chunks.validate_chunk(session, job, number, rows, several=last > 1)
            if self._is_over:
                return
        self._forget_seen()
        self._move_on(CUSTOMER_IMPORT_UPDATED, {"state": importing.AWAITING})

    def _forget_seen(self) -> None:
        with self._database.transaction() as session:
            chunks.forget_seen(session, self._job.id)

    def _run(self) -> None:
        """Two chunks at a time, each in a transaction of its own, where no row of one could meet a row of the other."""
        job, first = self._job, self._reserved_codes()
        with self._database.session() as session:
            waiting = {chunk.number: chunk for chunk in list_chunks(session, job.id) if not chunk.done}
        with _Lanes() as lanes:
            for number, rows in self._ahead(waiting):
                options = chunks.options_of(job)
                keys = conflict_keys(rows, options)
                if options.mode != importing.CREATE:
                    # A change gives up a name that no row of this chunk has, and a row of the next one may want.
                    keys.add("names")
                lanes.run(keys, self._run_one, number, rows, waiting[number].after(first))
                if self._is_over:
                    return
        with self._database.session() as session:
            failed = take_up(session, job.id).failed_rows
        self._complete(importing.COMPLETED_WITH_ERRORS if failed else importing.COMPLETED)

    def _run_one(self, number: int, rows: list[ReadRow], codes: range) -> None:
        with self._database.transaction() as session:
            USERS.ensure_actor(session)
            outcome = chunks.run_chunk(session, self._job, number, rows, codes)
            count(session, self._job, chunks.counts(outcome))

    def _run_at_once(self) -> None:
        """All rows in one transaction: as soon as one is refused, it is as if none had been begun."""
        first = self._reserved_codes()
        try:
            with self._database.transaction() as session:
                self._run_all(session, first)
        except _RefusedError as refusal:
            with self._database.transaction() as session:
                chunks.keep_errors(session, self._job, refusal.number, refusal.outcome.faults)
            detail = f"{refusal.outcome.failed} rows were refused, so none was imported."
            _fail(self._database, self._job, "rows_refused", detail)
            return
        self._complete(importing.COMPLETED)

    def _run_all(self, session: Session, first: int) -> None:
        USERS.ensure_actor(session)
        done: Counter[str] = Counter()
        waiting = {chunk.number: chunk for chunk in list_chunks(session, self._job.id)}
        for number, rows in self._ahead(waiting):
            outcome = chunks.run_chunk(session, self._job, number, rows, waiting[number].after(first))
            if outcome.failed:
                raise _RefusedError(number, outcome)
            done.update(chunks.counts(outcome))
            with self._database.transaction() as beside:
                show(beside, self._job, done)
            if self._stop.is_set():
                raise StoppedError
        show(session, self._job, done)
        reach(session, self._job, len(waiting))  # Whoever cancels it from here on knows that it is done.

    def _reserved_codes(self) -> int:
        """The first of the codes that were put aside for the rows that need one: the same however often it is resumed.

        They are put aside at once, so that neither the import's own chunks wait for each other's codes nor anybody else
        who creates a customer meanwhile.
        """
        job = self._job
        if job.first_code is not None:
            return job.first_code
        with self._database.transaction() as session:
            hold(session, job, job.next_chunk)
            wanted = sum(len(chunk.codes) for chunk in list_chunks(session, job.id))
            first = min(draw_codes(session, wanted), default=0)
            reserve_codes(session, job, first)
        return first

    def _revert(self) -> None:
        for number in range(self._job.next_chunk - 1, -1, -1):
            with self._database.transaction() as session:
                USERS.ensure_actor(session)
                chunks.revert_chunk(session, self._job, number)
            if self._is_over:
                return
        self._move_on(CUSTOMER_IMPORT_REVERTED, {"state": importing.REVERTED, "reverted_at": NOW})

    def _complete(self, state: str) -> None:
        self._move_on(CUSTOMER_IMPORT_COMPLETED, {"state": state, "finished_at": NOW})
        forget_file(self._database, self._job.id)

    def _move_on(self, event_type: EventType, values: Mapping[str, Any]) -> None:
        with self._database.transaction() as session:
            move_on(session, event_type, self._job.id, self._job.state, values)


class _Lanes:
    """Runs two tasks at a time, one after the other where they share a key; what one raises ends all."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(LANES)
        self._running: deque[tuple[set[Any], Future[None]]] = deque()
        self._context = current()

    def run(self, keys: set[Any], task: Callable[..., None], *arguments: Any) -> None:
        """Begin a task as soon as a lane is free and nothing that it could meet is under way."""
        while len(self._running) == LANES or any(keys & running for running, _ in self._running):
            self._running.popleft()[1].result()
        self._running.append((keys, self._pool.submit(self._act, task, *arguments)))

    def _act(self, task: Callable[..., None], *arguments: Any) -> None:
        with acting_as(self._context):
            task(*arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            while self._running:
                self._running.popleft()[1].result()
        finally:
            self._pool.shutdown()
