"""Statements of transactions: sent past psycopg's cursors, with what these would have done for them."""

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import BigInteger, Text, bindparam, func, literal_column, select, text

from chassis.context import Context, acting_as
from chassis.db import writer
from chassis.db.session import Database, Session, set_tenant
from chassis.db.statements import Prepared

_TENANT = Prepared(select(literal_column("current_setting('app.company_id', true)")), writes=True)
_HALVED = Prepared(select(literal_column("100") / bindparam("by", type_=BigInteger)), writes=True)
_BACKEND = Prepared(select(func.pg_backend_pid()), writes=True)
_MAKE = Prepared(text("CREATE TEMPORARY TABLE numbers (number bigint UNIQUE, said text)"))
_ADD = Prepared(text("INSERT INTO numbers (number, said) VALUES (:number, :said)"))
_RAISE = Prepared(text("UPDATE numbers SET number = number + 1 WHERE number >= :least"))
_ALL = Prepared(text("SELECT * FROM numbers ORDER BY number"))
_KNOWN = Prepared(text("SELECT count(*) FROM pg_prepared_statements"))


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url, pool_size=1)
    with database.transaction() as session:
        session.run(_MAKE)
    yield database
    database.dispose()


def test_each_transaction_has_the_tenant_of_its_context_and_leaves_none_behind(database: Database) -> None:
    for company_id in (1, None, 2, 1):
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            assert session.fetch(_TENANT) == [("" if company_id is None else str(company_id),)]
            set_tenant(session, 7)
            assert session.fetch(_TENANT) == [("7",)]


def test_values_come_back_as_they_were_given_however_often(database: Database) -> None:
    for number in (1, 40_000, 2**40, 3, None, 5):
        for said in ("50 % of :it", None):
            with database.transaction() as session:
                assert session.run(_ADD, number=number, said=said) == 1
                assert session.fetch(_ALL) == [(number, said)]
                assert session.run(_RAISE, least=1) == (0 if number is None else 1)
                session.rollback()


def test_a_statement_that_fails_says_what_psycopg_says_of_it(database: Database) -> None:
    for _ in range(3):
        with database.session() as session:
            session.run(_ADD, number=1, said="once")
            with pytest.raises(psycopg.errors.UniqueViolation) as failed:
                session.run(_ADD, number=1, said="twice")
            assert failed.value.diag.constraint_name == "numbers_number_key"
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                session.fetch(_ALL)
            session.rollback()
            assert session.fetch(_ALL) == []
            with pytest.raises(psycopg.errors.DivisionByZero):
                session.fetch(_HALVED, by=0)
            session.rollback()


def test_a_savepoint_that_is_rolled_back_takes_what_was_done_in_it_alone(database: Database) -> None:
    for _ in range(3):
        with database.transaction() as session:
            session.run(_ADD, number=1, said="before")

            def fail(session: Session = session) -> None:
                with session.savepoint():
                    session.run(_ADD, number=2, said="in it")
                    session.run(_ADD, number=1, said="in it")

            with pytest.raises(psycopg.errors.UniqueViolation):
                fail()
            with session.savepoint():
                session.run(_ADD, number=3, said="in another")
            session.run(_ADD, number=4, said="after")
            assert [number for number, _ in session.fetch(_ALL)] == [1, 3, 4]
            session.rollback()


def test_a_session_goes_on_after_its_commit_in_another_transaction(database: Database) -> None:
    with database.session() as session:
        session.run(_ADD, number=1, said="first")
        session.commit()
        session.run(_ADD, number=2, said="second")
        session.rollback()
        assert session.fetch(_ALL) == [(1, "first")]


def test_what_comes_again_is_prepared_once_and_stays_so_through_a_rollback(database: Database) -> None:
    known = []
    for number in range(6):
        with database.transaction() as session:
            session.run(_ADD, number=number, said="it")
            known.append(session.fetch(_KNOWN)[0][0])
            session.rollback()
    assert known[-1] == known[-2] == known[-3]


def test_a_connection_forgets_all_statements_when_it_knows_too_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_MOST_PREPARED", 3)
    statements = [Prepared(select(literal_column(f"{number}")), writes=True) for number in range(5)]
    for _ in range(3):
        for number, statement in enumerate(statements):
            with database.transaction() as session:
                assert session.fetch(statement) == [(number,)]
                assert session.fetch(_TENANT) == [("",)]
    with database.transaction() as session:
        # Those that a transaction begins with are not counted.
        assert session.fetch(_KNOWN)[0][0] <= 3 + len(writer._OWN)


def test_a_plan_that_a_migration_has_outdated_fails_one_transaction_at_most(database: Database) -> None:
    add = Prepared(text("ALTER TABLE numbers ADD COLUMN more int"))
    for _ in range(3):
        with database.transaction() as session:
            assert session.fetch(_ALL) == []
    with database.transaction() as session:
        session.run(add)
    with pytest.raises(psycopg.errors.FeatureNotSupported), database.transaction() as session:
        session.fetch(_ALL)
    for _ in range(3):
        with database.transaction() as session:
            assert session.fetch(_ALL) == []


def test_a_connection_that_breaks_fails_its_transaction_and_no_other(database: Database, postgres_url: str) -> None:
    def break_off() -> None:
        with database.transaction() as session:
            [(backend,)] = session.fetch(_BACKEND)
            with psycopg.connect(postgres_url, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 60000)", (backend,))
            with pytest.raises(psycopg.OperationalError):
                session.fetch(_BACKEND)
            raise LookupError(backend)

    with pytest.raises(LookupError):
        break_off()
    with database.transaction() as session:
        assert len(session.fetch(_BACKEND)) == 1


def test_what_runs_later_has_run_before_the_next_statement_and_in_order(database: Database) -> None:
    for _ in range(3):
        with acting_as(Context(company_id=5)), database.transaction() as session:
            for number in range(40):
                session.run_later(_ADD, number=number, said="later")
            session.run_later(_RAISE, least=40)
            session.run_later(_ADD, number=40, said="last")
            assert [number for number, _ in session.fetch(_ALL)] == [*range(41)]
            set_tenant(session, 7)
            session.run_later(_ADD, number=41, said="of 7")
            assert session.fetch(_TENANT) == [("7",)]
            session.rollback()


def test_what_runs_later_is_kept_by_the_commit_and_by_no_rollback(database: Database) -> None:
    for number in range(3):
        with database.session() as session:
            session.run_later(_ADD, number=100 + number, said="never")
            session.rollback()
            session.run_later(_ADD, number=number, said="it")
            session.commit()
    with database.session() as session:
        session.run_later(_ADD, number=7, said="never")
    with database.transaction() as session:
        assert [number for number, _ in session.fetch(_ALL)] == [0, 1, 2]


def test_what_fails_later_fails_the_next_statement_or_the_commit(database: Database) -> None:
    for _ in range(3):
        with database.session() as session:
            session.run(_ADD, number=1, said="once")
            session.run_later(_ADD, number=1, said="twice")
            session.run_later(_ADD, number=2, said="behind it")
            with pytest.raises(psycopg.errors.UniqueViolation):
                session.fetch(_BACKEND)
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                session.fetch(_ALL)
            session.rollback()
            session.run_later(_ADD, number=1, said="once")
            session.run_later(_ADD, number=1, said="twice")
            with pytest.raises(psycopg.errors.UniqueViolation):
                session.commit()
            session.rollback()
            assert session.fetch(_ALL) == []
            session.rollback()


def test_a_commit_that_fails_leaves_its_connection_to_the_next(database: Database) -> None:
    for _ in range(3):
        with database.session() as session:
            session.run_later(_ADD, number=1, said="once")
            session.run_later(_ADD, number=1, said="twice")
            with pytest.raises(psycopg.errors.UniqueViolation):
                session.commit()
        with database.transaction() as session:
            assert session.fetch(_ALL) == []


def test_a_savepoint_takes_what_was_to_run_later_in_it_and_leaves_what_was_before(database: Database) -> None:
    for _ in range(3):
        with database.transaction() as session:
            session.run_later(_ADD, number=1, said="before")

            def leave(session: Session = session) -> None:
                with session.savepoint():
                    session.run_later(_ADD, number=2, said="in it")
                    raise LookupError

            with pytest.raises(LookupError):
                leave()
            with pytest.raises(psycopg.errors.UniqueViolation), session.savepoint():
                session.run_later(_ADD, number=1, said="fails at the end of it")
            with session.savepoint():
                session.run_later(_ADD, number=3, said="in another")
            session.run_later(_ADD, number=4, said="after")
            assert [number for number, _ in session.fetch(_ALL)] == [1, 3, 4]
            session.rollback()


def test_what_fails_within_a_savepoint_in_a_savepoint_is_undone_as_far_as_it_is_caught(database: Database) -> None:
    for _ in range(3):
        with database.transaction() as session:
            session.run_later(_ADD, number=1, said="before")
            with session.savepoint():
                session.run_later(_ADD, number=2, said="in the outer")
                with pytest.raises(psycopg.errors.UniqueViolation), session.savepoint():
                    session.run(_ADD, number=1, said="in the inner")
                session.run_later(_ADD, number=3, said="in the outer")
            with pytest.raises(ZeroDivisionError), session.savepoint(), session.savepoint():
                session.run_later(_ADD, number=session.run(_ADD, number=4, said="in both") // 0, said="never")
            assert [number for number, _ in session.fetch(_ALL)] == [1, 2, 3]
            session.rollback()


def test_what_fails_before_a_savepoint_fails_none_of_its_parts(database: Database) -> None:
    for _ in range(3):
        with database.session() as session:
            session.run(_ADD, number=1, said="before")
            reached = []

            def nest(session: Session = session, reached: list[str] = reached) -> None:
                with session.savepoint():
                    session.run_later(_ADD, number=2, said="in the outer")
                    session.run_later(_ADD, number=1, said="fails in the outer")
                    with suppress(psycopg.errors.UniqueViolation), session.savepoint():
                        reached.append("the inner")
                    session.run(_ADD, number=3, said="in the outer")

            # The inner one never began, so that nothing is undone by it; the outer one cannot go on.
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                nest()
            assert reached == []
            assert session.fetch(_ALL) == [(1, "before")]
            session.rollback()


def test_a_savepoint_costs_one_round_trip_at_its_end_and_none_at_its_beginning(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = []
    together = writer.Writer._together
    monkeypatch.setattr(
        writer.Writer, "_together", lambda self, last: (trips.append(len(last)), together(self, last))[1]
    )
    with database.transaction() as session:
        for number in range(3):
            with session.savepoint():
                session.run_later(_ADD, number=number, said="it")
        session.rollback()
    assert trips == [1, 1, 1]


def test_a_transaction_that_went_on_after_a_failure_is_not_taken_for_committed(database: Database) -> None:
    for _ in range(2):
        with database.session() as session:
            session.run(_ADD, number=1, said="once")
            with pytest.raises(psycopg.errors.UniqueViolation):
                session.run(_ADD, number=1, said="twice")
            with pytest.raises(RuntimeError, match="aborted transaction"):
                session.commit()
        with database.transaction() as session:
            assert session.fetch(_ALL) == []


def test_a_transaction_that_ends_within_its_savepoint_is_a_mistake_that_is_told(database: Database) -> None:
    with database.session() as session:
        with pytest.raises(RuntimeError, match="before its savepoint"), session.savepoint():
            session.commit()
        assert session.fetch(_ALL) == []


def test_a_session_that_nobody_ends_gives_its_connection_back_without_its_transaction(database: Database) -> None:
    session = database.session()
    session.run(_ADD, number=1, said="forgotten")
    del session
    with database.transaction() as session:
        assert session.fetch(_ALL) == []


def test_what_lasts_is_done_again_until_a_transaction_on_the_connection_has_committed_it(database: Database) -> None:
    def done(key: int, *, fails: bool = False) -> int:
        """How often it is there, once the transaction has ended."""
        with suppress(ZeroDivisionError), database.transaction() as session:
            session.run_once(("number", key), _ADD, number=None, said=str(key))
            assert not fails or 1 // 0
        with database.transaction() as session:
            return sum(said == str(key) for _, said in session.fetch(_ALL))

    assert [done(1, fails=True), done(1), done(1), done(2), done(1)] == [0, 1, 1, 1, 1]
    with database.transaction() as session, suppress(ZeroDivisionError), session.savepoint():
        session.run_once(("number", 3), _ADD, number=None, said="3")
        assert 1 // 0
    assert [done(3), done(3)] == [1, 1]


def test_what_lasts_is_done_once_on_each_connection(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def do(key: int) -> int:
        with database.transaction() as session:
            session.run_once(("number", key), _ADD, number=None, said="it")
            return len(session.fetch(_ALL))

    monkeypatch.setattr(writer, "_MOST_DONE", 3)
    assert [do(1), do(1), do(2), do(3), do(1)] == [1, 1, 2, 3, 3]
    # There is no room for a fourth: it begins anew, and the first is done once more.
    assert [do(4), do(4), do(1), do(1)] == [4, 4, 5, 5]
    database.dispose()
    with database.transaction() as session:
        session.run(_MAKE)
    assert [do(1), do(1)] == [1, 1]


def test_a_constraint_that_waits_for_the_commit_fails_it(database: Database) -> None:
    make = Prepared(text("CREATE TEMPORARY TABLE late (number bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    add = Prepared(text("INSERT INTO late VALUES (:number)"))
    with database.transaction() as session:
        session.run(make)
    for _ in range(3):
        with database.session() as session:
            session.run(add, number=1)
            session.run_later(add, number=1)
            with pytest.raises(psycopg.errors.UniqueViolation):
                session.commit()
            session.rollback()
            session.run_later(add, number=1)
            session.rollback()
            assert session.run(add, number=1) == 1
            session.rollback()


def test_texts_and_lists_are_sent_as_their_types_say(database: Database) -> None:
    said = Prepared(select(bindparam("said", type_=Text), bindparam("also", type_=Text)), writes=True)
    for given in ("a", "", "ü'\\%s"):
        with database.transaction() as session:
            assert session.fetch(said, said=given, also=None) == [(given, None)]


def test_rows_that_are_asked_for_later_come_with_the_next_statement_or_when_they_are_looked_at(
    database: Database,
) -> None:
    for _ in range(3):
        with acting_as(Context(company_id=5)), database.transaction() as session:
            before, tenant = session.fetch_later(_ALL), session.fetch_later(_TENANT)
            session.run_later(_ADD, number=1, said="between")
            between = session.fetch_later(_ALL)
            session.run(_ADD, number=2, said="behind")
            assert (before.rows, tenant.rows, between.rows) == ([], [("5",)], [(1, "between")])
            behind = session.fetch_later(_ALL)
            assert behind.rows == [(1, "between"), (2, "behind")]
            assert behind.rows is behind.rows
            added, raised = session.fetch_later(_ADD, number=7, said="counted"), session.fetch_later(_RAISE, least=100)
            assert (added.touched, raised.touched, added.rows, between.touched) == (1, 0, [], 1)
            session.rollback()


def test_rows_of_what_was_rolled_back_or_has_failed_are_not_taken_for_none(database: Database) -> None:
    for _ in range(3):
        with database.session() as session:
            dropped = session.fetch_later(_ALL)
            session.rollback()
            with pytest.raises(psycopg.ProgrammingError, match="rolled back"):
                _ = dropped.rows
            failing, behind = session.fetch_later(_HALVED, by=0), session.fetch_later(_ALL)
            with pytest.raises(psycopg.errors.DivisionByZero):
                _ = behind.rows
            with pytest.raises(psycopg.ProgrammingError):
                _ = failing.rows
            session.rollback()
            assert session.fetch(_ALL) == []
            session.rollback()
