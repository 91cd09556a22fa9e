"""Events to their handlers: the order within a company, the tenant of each, and what is asked for at once."""

from dataclasses import replace

import pytest
from sqlalchemy import BigInteger, bindparam, select, text

from chassis import events
from chassis.broker import handling
from chassis.broker.handling import handle
from chassis.context import NOBODY, acting_as, current
from chassis.db.statements import Prepared
from chassis.db.writer import Writer
from chassis.events import EventType
from chassis.testing.events import altered

UPDATED = EventType("customer", "updated", "customers").name
PAINTED = "crm.customer.painted.v1"
TENANT_AND = Prepared(
    select(text("current_setting('app.company_id')::bigint"), bindparam("number", type_=BigInteger)), writes=True
)


@pytest.fixture
def other(stage):
    """A second company of the same service."""
    return replace(stage, company=next(stage.companies))


@pytest.fixture
def tenants_set(monkeypatch):
    """The tenants that a transaction was moved to; there is no transaction."""
    found = []
    monkeypatch.setattr(handling, "set_tenant", lambda _, tenant: found.append(tenant))
    return found


def of(tenants, **types):
    """An event of each of these tenants, about the records 1, 2, 3 …; `types` are of some records others."""
    given = [events.decode(tenant.body(record)) for record, tenant in enumerate(tenants, 1)]
    for name, event_type in types.items():
        number = int(name.removeprefix("record_"))
        given[number - 1] = altered(given[number - 1], type=event_type)
    return given


def test_the_tenant_is_set_once_for_all_its_events_in_a_batch(stage, other, tenants_set):
    order = []
    handlers = {UPDATED: lambda _, event: order.append((event.company_id, event.record_id))}
    handle(None, replace(stage.subscriptions(), handlers=handlers), of([stage, other] * 10))
    assert tenants_set == sorted((stage.company, other.company))
    assert order == sorted(order)
    assert len(order) == 20


@pytest.mark.usefixtures("tenants_set")
def test_a_handler_of_many_gets_what_follows_one_another_in_a_tenant_and_the_rest_alone(stage, other):
    calls = []

    class Keeping:
        def __call__(self, _, event):
            calls.append((current().company_id, current().causation_id == event.id, [event.record_id]))

        def many(self, _, found):
            caused = current().causation_id == found[-1].id
            calls.append((current().company_id, caused, [event.record_id for event in found]))

    keeping = Keeping()
    subscriptions = replace(stage.subscriptions(), handlers={UPDATED: keeping, PAINTED: keeping.__call__})
    handle(None, subscriptions, of([stage] * 5 + [other] * 3, record_4=PAINTED))
    assert calls == [
        (stage.company, True, [1, 2, 3]),
        (stage.company, True, [4]),
        (stage.company, True, [5]),
        (other.company, True, [6, 7, 8]),
    ]


class Asking:
    """It notes when it asked for a record, and when it went on with it, as whom."""

    def __init__(self):
        self.steps = []

    def __call__(self, session, event):
        self.ask(session, event)()

    def ask(self, _, event):
        self._note("ask", event)
        return lambda: self._note("go on", event)

    def _note(self, step, event):
        assert (current().company_id, current().causation_id) == (event.company_id, event.id)
        self.steps.append((step, event.company_id, event.record_id))


def test_what_the_single_events_of_companies_need_is_asked_before_any_goes_on(stage, other, tenants_set):
    asking = Asking()
    handle(None, replace(stage.subscriptions(), handlers={UPDATED: asking}), of([other, stage]))
    first, second = (stage.company, 2), (other.company, 1)
    assert asking.steps == [("ask", *first), ("ask", *second), ("go on", *first), ("go on", *second)]
    assert tenants_set == [stage.company, other.company] * 2, "each goes on in its own tenant"


@pytest.mark.usefixtures("tenants_set")
def test_records_of_one_company_are_asked_for_at_once(stage):
    asking = Asking()
    handle(None, replace(stage.subscriptions(), handlers={UPDATED: asking}), of([stage] * 3))
    assert [step[::2] for step in asking.steps] == [(step, n) for step in ("ask", "go on") for n in (1, 2, 3)]


@pytest.mark.usefixtures("tenants_set")
def test_a_record_is_not_asked_for_before_its_last_event_is_done(stage):
    asking = Asking()
    given = [events.decode(stage.body(record, version)) for record, version in ((1, 1), (2, 1), (1, 2), (3, 1))]
    handle(None, replace(stage.subscriptions(), handlers={UPDATED: asking}), given)
    assert [step[::2] for step in asking.steps] == [
        *(("ask", 1), ("ask", 2), ("go on", 1), ("go on", 2)),
        *(("ask", 1), ("ask", 3), ("go on", 1), ("go on", 3)),
    ]


@pytest.mark.usefixtures("tenants_set")
def test_what_comes_behind_in_a_company_waits_for_what_was_asked_before(stage):
    asking, painted = Asking(), []

    def paint(_, event):
        painted.append((len(asking.steps), event.record_id))

    subscriptions = replace(stage.subscriptions(), handlers={UPDATED: asking, PAINTED: paint})
    handle(None, subscriptions, of([stage] * 4, record_3=PAINTED))
    assert [step[::2] for step in asking.steps[:4]] == [("ask", 1), ("ask", 2), ("go on", 1), ("go on", 2)]
    assert painted == [(4, 3)]
    assert [step[::2] for step in asking.steps[4:]] == [("ask", 4), ("go on", 4)]


def test_many_companies_are_asked_in_one_round_trip_and_answered_each_for_itself(stage, monkeypatch):
    answers, trips = [], []

    class Fetching:
        def __call__(self, session, event):
            self.ask(session, event)()

        def ask(self, session, event):
            later = session.fetch_later(TENANT_AND, number=event.record_id)
            return lambda: answers.append((event.company_id, event.record_id, *later.rows[0]))

    together = Writer._together
    monkeypatch.setattr(
        Writer, "_together", lambda self, last: (trips.append(len(self._waiting)), together(self, last))[1]
    )
    given = of([replace(stage, company=next(stage.companies)) for _ in range(10)])
    with acting_as(NOBODY), stage.app.transaction() as session:
        handle(session, replace(stage.subscriptions(), handlers={UPDATED: Fetching()}), given)
    assert sorted(answers) == sorted((event.company_id, event.record_id) * 2 for event in given)
    assert len(trips) == 1, trips
