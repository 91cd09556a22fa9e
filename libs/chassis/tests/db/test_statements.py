"""What may be asked outside of a transaction and what may not, and whose rows a statement is about."""

import psycopg
import pytest
from sqlalchemy import BigInteger, Text, bindparam, column, delete, func, literal, select, table

from chassis.context import Context, acting_as
from chassis.db.locks import lock_name, try_lock_name
from chassis.db.session import Database
from chassis.db.statements import TENANT, Prepared, of_tenant

_TABLE = table("rows", column("id", BigInteger), column("company_id", BigInteger))
_ROWS = select(_TABLE.c.id)
_WHOSE = Prepared(select(TENANT))


@pytest.fixture
def database(postgres_url: str):
    database = Database(postgres_url)
    yield database
    database.dispose()


def test_a_plain_select_may_be_asked_outside_of_a_transaction() -> None:
    assert Prepared(_ROWS).reads


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("key_share", [False, True])
def test_a_select_that_locks_may_not_for_its_lock_would_be_gone_at_once(read: bool, key_share: bool) -> None:
    locked = _ROWS.with_for_update(read=read, key_share=key_share)
    assert not Prepared(locked).reads
    assert not Prepared(select(locked.subquery())).reads
    assert not Prepared(_ROWS.where(_TABLE.c.id == locked.scalar_subquery())).reads


def test_a_select_with_a_write_inside_may_not() -> None:
    gone = delete(_TABLE).returning(_TABLE.c.id)
    assert not Prepared(select(gone.cte("gone"))).reads
    assert not Prepared(select(literal(1)).add_cte(gone.cte("gone"))).reads


def test_a_select_of_words_like_those_of_a_write_may() -> None:
    assert Prepared(select(literal(" FOR UPDATE of what INSERT INTO a DELETE FROM b", Text).label("UPDATE "))).reads


def test_a_function_that_writes_runs_in_the_transaction_if_its_statement_says_so(database: Database) -> None:
    statement = select(func.txid_current())
    with database.session() as session:
        session.fetch(Prepared(statement, writes=True))
        assert session.in_transaction()


def test_a_function_that_writes_fails_if_its_statement_does_not_say_so(database: Database, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE drawn_in_a_read")
        try:
            with database.session() as session, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                session.fetch(Prepared(select(func.nextval("drawn_in_a_read"))))
        finally:
            connection.execute("DROP SEQUENCE drawn_in_a_read")


def test_a_lock_by_name_is_held_until_the_transaction_ends_and_by_tenant(database: Database) -> None:
    with acting_as(Context(company_id=7)), database.session() as one, database.session() as other:
        lock_name(one, "customers:create")
        assert not try_lock_name(other, "customers:create")
        assert try_lock_name(other, "imports:create")
        with acting_as(Context(company_id=8)), database.session() as third:
            assert try_lock_name(third, "customers:create")
        one.rollback()
        assert try_lock_name(other, "customers:create")


def test_the_tenant_comes_from_the_context_in_a_transaction_and_outside_of_one(database: Database) -> None:
    with acting_as(Context(company_id=7)), database.session() as session:
        assert session.fetch(_WHOSE) == [(7,)]
        session.begin()
        assert session.fetch(_WHOSE) == [(7,)]
        assert session.run(_WHOSE) == 1
    with acting_as(Context(company_id=8)):
        assert database.read(_WHOSE, {}) == [(8,)]


def test_without_a_tenant_a_statement_that_needs_one_raises(database: Database) -> None:
    of_anybody = Prepared(_ROWS.where(of_tenant(_TABLE)))
    with database.session() as session, pytest.raises(LookupError, match="no tenant"):
        session.fetch(of_anybody)
    with database.session() as session, pytest.raises(LookupError, match="no tenant"):
        session.run(of_anybody)
    with pytest.raises(LookupError, match="no tenant"):
        database.read(of_anybody, {})


def test_nobody_names_another_tenant_than_the_context_does(database: Database) -> None:
    with acting_as(Context(company_id=7)), database.session() as session, pytest.raises(KeyError):
        session.fetch(_WHOSE, of_company=8)


def test_a_parameter_that_the_statement_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        Prepared(select(bindparam("one", type_=BigInteger))).bind({"other": 1})
