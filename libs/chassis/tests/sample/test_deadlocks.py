"""A request that has to give way in a deadlock is run again: a client could do nothing else either."""

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from chassis.testing.waiting import wait_until


@pytest.fixture
def giving_way(superuser, company_id):
    """Let the next so many changes of a book of the company end as PostgreSQL ends one of two in a deadlock."""
    name = Identifier(f"give_way_{company_id}")

    def times(count):
        # What a sequence has drawn is drawn, although the transaction ends.
        superuser.execute(SQL("CREATE SEQUENCE {} MINVALUE 1").format(name))
        superuser.execute(
            SQL(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
                " IF nextval('{name}') <= {count} THEN RAISE 'one of two' USING ERRCODE = '40P01'; END IF;"
                " RETURN NEW; END $$"
            ).format(name=name, count=Literal(count))
        )
        superuser.execute(
            SQL(
                "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON books FOR EACH ROW"
                " WHEN (NEW.company_id = {company}) EXECUTE FUNCTION {name}()"
            ).format(name=name, company=Literal(company_id))
        )

    yield times
    superuser.execute(SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(name))
    superuser.execute(SQL("DROP SEQUENCE IF EXISTS {}").format(name))


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "once"}])
def test_a_request_that_gave_way_is_run_again_and_takes_effect_once(client, shelf, told, giving_way, key):
    giving_way(2)
    values = {"title": "Notes", "shelf_id": shelf["id"]}
    made = client.post("/v1/books", json=values, headers=key)
    assert made.status_code == 201
    assert client.get("/v1/books").json["data"] == [made.json]
    assert told()[1:] == [("book.created", 1)]
    if key:
        assert client.post("/v1/books", json=values, headers=key).headers["Idempotent-Replayed"] == "true"


def test_who_gives_way_time_and_again_is_told_so_and_has_changed_nothing(client, create, told, giving_way):
    path = f"/v1/books/{create()['id']}"
    before = told()
    giving_way(3)
    refused = client.patch(path, json={"notes": "x"}, version=1)
    assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (409, "record_busy", "1")
    assert told() == before
    assert client.patch(path, json={"notes": "x"}, version=1).json["version"] == 2


def test_who_locks_in_the_opposite_order_of_somebody_else_gets_what_was_asked_for(
    client, create, shelf, *, superuser, urls, at_once
):
    """A deadlock of PostgreSQL's own: archiving locks the shelf and then its books, and the other one the reverse."""
    book = create()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND %s = ANY (pg_blocking_pids(pid))"
    with psycopg.connect(urls.superuser) as other:
        # So that it is the request that finds out, and gives way.
        other.execute("SET deadlock_timeout = '60s'")
        other.execute("SELECT FROM books WHERE id = %s FOR UPDATE", (book["id"],))

        def go_on():
            wait_until(lambda: superuser.execute(waiting, (other.info.backend_pid,)).fetchone()[0])
            other.execute("SELECT FROM shelves WHERE id = %s FOR UPDATE", (shelf["id"],))
            other.commit()

        archived, _ = at_once(lambda: client.delete(f"/v1/shelves/{shelf['id']}", version=1), go_on)
    assert archived.status_code == 204
    assert client.get(f"/v1/books/{book['id']}").json["archived_at"] is not None
