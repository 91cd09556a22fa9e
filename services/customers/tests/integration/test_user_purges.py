"""Members who were purged: nothing of the person is kept, their records go on without them, once and in steps."""

import uuid
from threading import Event as Flag

import pytest

from chassis.events import decode
from chassis.testing.events import altered, assert_each_follows, hand_to
from chassis.testing.purges import naming_users, seen_to
from customers.commands.user_purges import PURGES
from customers.handlers import SUBSCRIPTIONS
from customers.models import metadata

ANN, BOB, EVE, STRANGER = 7, 9, 10, 99
FORMER = ("Former user", None, False)


@pytest.fixture
def people(superuser, company_id):
    for user_id in (ANN, BOB, EVE):
        superuser.execute(
            "INSERT INTO user_refs (company_id, user_id, membership_id, version, name, email)"
            " VALUES (%s, %s, %s, 1, 'Somebody', 'somebody@acme.example')",
            (company_id, user_id, user_id),
        )


@pytest.fixture
def owned(superuser, company_id, people):
    """Customers of Bob's, archived ones among them, and one that he has made for Eve."""

    def make(count):
        superuser.execute(
            """
            INSERT INTO customers (company_id, customer_code, name, assigned_to, created_by, archived_at)
            SELECT %(company)s, 'x' || n, 'x' || n, CASE n WHEN 1 THEN 10 ELSE 9 END, CASE n %% 2 WHEN 1 THEN 9 END,
                CASE WHEN n <= 2 THEN now() END
            FROM generate_series(1, %(count)s) n
            """,
            {"company": company_id, "count": count},
        )

    return make


@pytest.fixture
def event_of(company_id, contracts):
    """Identity's published example of an event, about Bob's membership."""

    def build(action, version, membership=BOB, **data):
        example = decode(contracts.example(f"crm.user_company.{action}.v1"))
        sides = {
            side: None if example.data[side] is None else {**example.data[side], "user_id": BOB}
            for side in ("before", "after")
        }
        return altered(
            example,
            id=str(uuid.uuid4()),
            subject=f"user_companies/{membership}",
            company_id=company_id,
            aggregate_version=version,
            actor=ANN,
            data={**example.data, **sides, **data},
        )

    return build


@pytest.fixture
def hear(database):
    def take(event):
        hand_to(SUBSCRIPTIONS.handlers, database, event)
        return event

    return take


@pytest.fixture
def purge(hear, event_of):
    """Hear that Bob was purged; answers the event."""

    def take(transfer_to=None, activities="keep", version=3):
        return hear(event_of("purged", version, transfer_to=transfer_to, activities=activities))

    return take


@pytest.fixture
def work(database):
    return lambda: PURGES.work(database, Flag())


@pytest.fixture
def known(superuser, company_id):
    def read(user_id=BOB):
        query = "SELECT name, email, is_active FROM user_refs WHERE company_id = %s AND user_id = %s"
        return superuser.execute(query, (company_id, user_id)).fetchone()

    return read


@pytest.fixture
def named(superuser, company_id):
    """How many customers name each user, as (assigned_to, created_by)."""

    def count():
        query = "SELECT assigned_to, created_by, count(*) FROM customers WHERE company_id = %s GROUP BY 1, 2"
        return {(row[0], row[1]): row[2] for row in superuser.execute(query, (company_id,)).fetchall()}

    return count


@pytest.fixture
def unfinished(superuser, company_id):
    def count():
        query = "SELECT count(*) FROM user_purges WHERE company_id = %s AND finished_at IS NULL"
        return superuser.execute(query, (company_id,)).fetchone()[0]

    return count


def test_everything_goes_to_who_was_named(*, owned, purge, work, named, published, known, unfinished, validate_event):
    owned(25)
    event = purge(transfer_to=EVE)
    assert known() == FORMER
    work()
    assert named() == {(EVE, None): 25}
    assert unfinished() == 0
    events = published()
    assert len(events) == 25
    for each in events:
        validate_event(each)
        assert each["type"] == "crm.customer.updated.v1"
        assert (each["causationid"], each["actor"]) == (event.id, str(ANN))
        assert each["operation"].startswith("user_purges/")
    assert_each_follows(events, untold=("customers",))


def test_without_an_heir_they_are_nobodys(owned, purge, work, named):
    owned(5)
    purge()
    work()
    assert named() == {(None, None): 4, (EVE, None): 1}


def test_contacts_name_their_maker_no_more(*, owned, purge, work, superuser, company_id, published):
    owned(3)
    superuser.execute(
        "INSERT INTO contacts (company_id, customer_id, first_name, created_by)"
        " SELECT company_id, id, 'Ada', 9 FROM customers WHERE company_id = %s AND customer_code = 'x3'",
        (company_id,),
    )
    purge()
    work()
    query = "SELECT created_by, version FROM contacts WHERE company_id = %s"
    assert superuser.execute(query, (company_id,)).fetchall() == [(None, 2)]
    assert [each["type"] for each in published()].count("crm.contact.updated.v1") == 1


def test_everything_that_names_users_is_thought_of():
    """A new column that names a user is handed on, emptied, or said here to stay: who did something once."""
    assert naming_users(metadata) - seen_to(PURGES) == {
        "conversion_results.created_by",
        "customer_duplicates.dismissed_by",
        "customer_exports.created_by",
        "customer_imports.created_by",
        "customer_merges.created_by",
        "customer_transfers.user_id",
    }
