"""References to another service's records: whatever the order of events, and whatever is purged meanwhile."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from sqlalchemy import MetaData, insert, select, text
from werkzeug.serving import make_server

from chassis.broker.subscriptions import ManyHandler, Subscriptions
from chassis.config import Settings
from chassis.context import Context, acting_as
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values
from chassis.errors import Invalid, UnknownReference
from chassis.events import MalformedEvent
from chassis.references import Reference, handlers
from chassis.references.asking import References
from chassis.testing.events import neighbours_event
from chassis.testing.referring import CUSTOMERS, REFERENCES, USERS, Referring, notes

_NOTE = Prepared(insert(notes).values(named_values(notes, ("customer_id", "assigned_to"))))
_NOTES = Prepared(select(notes.c.customer_id, notes.c.assigned_to, notes.c.company_id))
_REMARK = Prepared(text("UPDATE customer_refs SET remark = 'ours'"))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 3), (3, 2, 1)])
def test_an_older_event_never_overwrites_a_newer_state(hear: Any, kept: Any, order: tuple[int, ...]) -> None:
    for version in order:
        hear("updated", version, archived_at="2026-01-01T00:00:00Z")
    found = kept()
    assert (found["version"], found["name"], found["credit_limit"]) == (3, "V3", Decimal("1.50"))
    assert found["archived_at"].isoformat() == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "moment",
    ["infinity", "-infinity", "294276-01-01T00:00:00Z", "9999-12-31T23:59:59-15:00", "0001-01-01T00:00:00+15:00", 5],
)
def test_a_time_that_nobody_could_read_again_is_not_kept(
    hear: Any, kept: Any, session: Session, company_id: int, moment: Any
) -> None:
    """PostgreSQL keeps some of these, and whoever looked at the record then would fail over it."""
    hear("created", 1)
    with pytest.raises(MalformedEvent, match="archived_at"):
        hear("archived", 2, archived_at=moment)
    data = {"before": None, "after": {"name": "V3", "archived_at": moment}, "changed": []}
    told = [neighbours_event("customer.archived", "customers/1", company_id, version, data) for version in (3, 4)]
    with pytest.raises(MalformedEvent, match="archived_at"):
        CUSTOMERS.save_events(session, told)
    assert kept()["version"] == 1


def test_what_is_the_services_own_stays_whatever_events_tell(
    hear: Any, kept: Any, sample: Referring, acting: Context
) -> None:
    hear("created", 1)
    with sample.app.transaction() as session:
        session.run(_REMARK)
    hear("archived", 2)
    assert (kept()["remark"], kept()["version"]) == ("ours", 2)


@pytest.mark.parametrize("order", [("created 1", "purged 3", "updated 2"), ("purged 3", "updated 2", "created 1")])
def test_what_was_purged_is_not_brought_back_by_an_event_that_comes_late(
    hear: Any, kept: Any, order: tuple[str, ...]
) -> None:
    for step in order:
        action, version = step.split()
        hear(action, int(version))
    assert kept() is None


def test_nor_by_an_answer_of_its_owner_that_comes_late(hear: Any, kept: Any, session: Session) -> None:
    hear("created", 1)
    hear("purged", 2)
    assert CUSTOMERS.save(session, {"id": 1, "version": 1, "name": "V1"}) is False
    assert CUSTOMERS.save_later(session, {"id": 1, "version": 1, "name": "V1"}).touched == 0
    assert CUSTOMERS.save_later(session, {"id": 2, "version": 1, "name": "W1"}).touched == 1
    assert CUSTOMERS.repair(session, {"id": 1, "version": 1, "name": "V1"}, None) is False
    session.commit()
    assert kept() is None


@pytest.mark.parametrize("known", [True, False])
def test_nor_by_an_event_that_is_handled_at_the_same_moment(
    *, hear: Any, kept: Any, sample: Referring, company_id: int, known: bool
) -> None:
    """Whoever has looked for a tombstone before it was set must not write after it was."""
    if known:
        hear("created", 1)
    done = threading.Event()

    def update() -> None:
        hear("updated", 2)
        done.set()

    thread = threading.Thread(target=update)
    with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
        CUSTOMERS.remove(session, 1, 3)
        thread.start()
        assert not done.wait(0.3)
    thread.join(5)
    assert done.is_set()
    assert kept() is None


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("created 1 1, created 2 1, updated 1 2, updated 3 7", {1: 2, 2: 1, 3: 7}),
        ("updated 1 3, created 1 1, updated 1 2", {1: 3}),
        ("created 1 1, purged 1 2, updated 1 1, created 2 1", {2: 1}),
        ("purged 1 2, created 1 1, updated 2 4", {2: 4}),
        ("created 1 4, updated 2 2", {1: 5, 2: 2}),
    ],
)
def test_many_events_at_once_do_what_each_does_in_turn(
    hear: Any, sample: Referring, company_id: int, steps: str, expected: dict[int, int]
) -> None:
    if expected.get(1) == 5:
        hear("updated", 5, 1)
    found = []
    for step in steps.split(", "):
        action, number, version = step.split()
        document = {"id": int(number), "version": int(version), "name": f"V{version}", "credit_limit": "1.50"}
        gone = action == "purged"
        data = {"before": document if gone else None, "after": None if gone else document, "changed": []}
        found.append(neighbours_event(f"customer.{action}", f"customers/{number}", company_id, int(version), data))
    save = handlers(*REFERENCES)["crm.customer.created.v1"]
    assert isinstance(save, ManyHandler)
    with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
        save.many(session, found)
        save.many(session, found)
        kept = CUSTOMERS.find(session, [1, 2, 3])
    assert {number: one["version"] for number, one in kept.items()} == expected
    assert all((one["name"], one["credit_limit"]) == (f"V{one['version']}", Decimal("1.50")) for one in kept.values())


def test_nor_is_what_was_purged_brought_back_by_many_events_at_the_same_moment(
    kept: Any, sample: Referring, company_id: int
) -> None:
    done = threading.Event()
    data = {"before": None, "after": {"name": "V1", "credit_limit": None, "archived_at": None}, "changed": []}
    found = [neighbours_event("customer.created", f"customers/{n}", company_id, 1, data) for n in (2, 1, 3)]

    def save() -> None:
        with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
            CUSTOMERS.save_events(session, found)
        done.set()

    thread = threading.Thread(target=save)
    with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
        CUSTOMERS.remove(session, 1, 3)
        thread.start()
        assert not done.wait(0.3)
    thread.join(20)
    assert done.is_set()
    assert (kept(1), kept(2)["name"], kept(3)["name"]) == (None, "V1", "V1")


def test_another_record_is_not_waited_for(hear: Any, kept: Any, sample: Referring, company_id: int) -> None:
    with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
        CUSTOMERS.remove(session, 1, 3)
        thread = threading.Thread(target=hear, args=("created", 1, 2))
        thread.start()
        thread.join(1)
        assert not thread.is_alive()
    assert kept(2)["name"] == "V1"


def test_what_is_made_for_a_record_comes_before_the_event_about_it(
    hear: Any, kept: Any, sample: Referring, company_id: int
) -> None:
    hear("created", 1)
    done = threading.Event()

    def archive() -> None:
        hear("archived", 2)
        done.set()

    thread = threading.Thread(target=archive)
    with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
        assert CUSTOMERS.require(session, 1, pointer="/customer_id")["name"] == "V1"
        thread.start()
        assert not done.wait(0.3)
    thread.join(5)
    assert kept()["version"] == 2


def test_a_miss_says_whom_to_ask_and_what_it_means_if_nobody_knows(session: Session) -> None:
    with pytest.raises(UnknownReference) as caught:
        CUSTOMERS.require(session, 5, pointer="/customer_id")
    assert caught.value.references == {("customer", 5)}
    assert (caught.value.code, caught.value.errors[0].pointer) == ("unknown_customer", "/customer_id")
    constraint = CUSTOMERS.unknown("/customer_id")
    assert type(constraint) is Invalid
    assert (constraint.code, constraint.errors) == (caught.value.code, caught.value.errors)


def test_another_tenants_reference_is_none(hear: Any, sample: Referring, company_id: int) -> None:
    hear("created", 1)
    with acting_as(Context(company_id=company_id + 10**9)), sample.app.transaction() as session:
        assert CUSTOMERS.find(session, [1]) == {}
        CUSTOMERS.remove(session, 1, 9)
    hear("updated", 2)
    with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
        assert CUSTOMERS.find(session, [1])[1]["name"] == "V2"


def test_foreign_keys_empty_one_column_or_take_the_row_with_them(
    hear: Any, sample: Referring, company_id: int, acting: Context
) -> None:
    hear("created", 1)
    hear("created", 1, 2)
    with sample.app.transaction() as session:
        USERS.ensure_actor(session)
        for number in (1, 2):
            session.run(_NOTE, customer_id=number, assigned_to=acting.user_id)
    hear("purged", 2)
    with sample.app.transaction() as session:
        assert session.fetch(_NOTES) == [(2, acting.user_id, company_id)]
        session.run(Prepared(text("DELETE FROM user_refs")))
        assert session.fetch(_NOTES) == [(2, None, company_id)]


def test_references_that_can_be_purged_need_tombstones() -> None:
    with pytest.raises(ValueError, match="tombstones"):
        Reference("thing", MetaData(), owner="things")


def test_what_is_declared_is_bound_and_nothing_else_of_its_owner() -> None:
    bound = Subscriptions(handlers=handlers(*REFERENCES)).bindings
    assert {"*.company.updated.v1", "*.user_company.purged.v1", "*.customer.created.v1"} < set(bound)
    assert "*.customer.merged.v1" not in bound


class Owner:
    """The service that owns the records, which answers what it is told to."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []
        self.server = make_server("127.0.0.1", 0, self, threaded=True)

    def __call__(self, _: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [orjson.dumps({"data": self.data, "next": None})]


@pytest.fixture
def owner() -> Iterator[Owner]:
    owner = Owner()
    thread = threading.Thread(target=owner.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield owner
    owner.server.shutdown()
    thread.join()
    owner.server.server_close()


def test_a_record_of_another_tenant_in_an_answer_is_not_kept_and_the_others_are(
    owner: Owner, sample: Referring, company_id: int, kept: Any
) -> None:
    record = {"version": 1, "name": "V1", "credit_limit": "1.50", "archived_at": None}
    owner.data = [
        record | {"id": 1, "company_id": company_id},
        record | {"id": 2, "company_id": company_id + 1},
        record | {"id": 3},
        record | {"id": 4, "company_id": company_id},
    ]
    url = f"customers=http://127.0.0.1:{owner.server.server_port}"
    settings = Settings(database_url="", jwks_url="", cursor_secret="c" * 32, service_urls=url, service_key="k" * 32)
    with acting_as(Context(company_id=company_id)):
        References(REFERENCES, settings, sample.app).fetch([(CUSTOMERS.kind, number) for number in (1, 2, 3, 4)])
    assert [number for number in (1, 2, 3, 4) if kept(number) is not None] == [1, 4]
    with acting_as(Context(company_id=company_id + 1)), sample.app.transaction() as session:
        assert CUSTOMERS.find(session, [1, 2, 3, 4]) == {}
