"""The timeline: a total order, pages without loss or repetition, and nothing that one may not see."""

import itertools
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_companies = itertools.count(10**12)


class Filler:
    """Puts entries into a company of its own, behind the service's back."""

    def __init__(self, connection, company_id):
        self._connection = connection
        self.company_id = company_id
        self._put("user_refs", user_id=7)

    def _put(self, table, **values):
        values["company_id"] = self.company_id
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        row = self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING *",  # noqa: S608  # Names of this module alone.
            list(values.values()),
        )
        return row.fetchone()[0]

    def customer(self, number, **values):
        self._put("customer_refs", customer_id=number, version=1, name="C", **values)

    def lead(self, number, **values):
        self._put("lead_refs", lead_id=number, version=1, lead_name="L", **values)

    def deal(self, number, **values):
        self._put("deal_refs", deal_id=number, version=1, deal_name="D", **values)

    def activity(self, at, **values):
        base = {"activity_type": "call", "title": "x", "user_id": 7, "activity_date": at}
        return "activity", self._put("activities", **(base | values))

    def change(self, at, number, **values):
        change = f'{{"entity": "deal", "id": {number}, "from": "a", "to": "b", "reason": null}}'
        base = {"activity_type": "status_change", "title": "x", "activity_date": at, "change": change}
        return "activity", self._put("activities", **(base | values))

    def task(self, at, **values):
        base = {"title": "x", "status": "completed", "completed_at": at, "assigned_to": 7, "created_by": 7}
        return "task", self._put("tasks", **(base | values))


@pytest.fixture
def filler(superuser):
    return Filler(superuser, next(_companies))


def walk(client, query, limit=100):
    """All pages of a timeline, as (kind, id)."""
    path, found = f"/v1/timeline?{query}&limit={limit}", []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.json
        assert len(answer.json["data"]) <= limit
        found += [(entry["kind"], entry["id"]) for entry in answer.json["data"]]
        cursor = answer.json["page"]["next_cursor"]
        path = cursor and f"/v1/timeline?{query}&limit={limit}&cursor={quote(cursor)}"
    return found


def test_a_timeline_is_shown_while_its_customer_is_being_changed(client_of, filler, superuser):
    filler.customer(3)
    entry = filler.activity(BEGIN, customer_id=3)
    with superuser.transaction():
        superuser.execute("SELECT FROM customer_refs WHERE company_id = %s FOR UPDATE", (filler.company_id,))
        assert walk(client_of(filler.company_id), "customer_id=3") == [entry]


def test_an_entry_says_when_as_its_record_does(client_of, filler):
    filler.customer(3)
    for micros in (0, 120_000, 123_456):
        filler.activity(BEGIN + timedelta(microseconds=micros), customer_id=3)
        filler.task(BEGIN + timedelta(microseconds=micros), customer_id=3)
    entries = client_of(filler.company_id).get("/v1/timeline?customer_id=3").json["data"]
    shown = {"activity": "activity_date", "task": "completed_at"}
    assert len(entries) == 6
    assert [entry["at"] for entry in entries] == [entry["record"][shown[entry["kind"]]] for entry in entries]


def test_activities_come_before_tasks_of_the_same_moment_and_later_ids_first(client_of, filler):
    filler.customer(3)
    first, second = (filler.activity(BEGIN, customer_id=3) for _ in range(2))
    task = filler.task(BEGIN, customer_id=3)
    assert walk(client_of(filler.company_id), "customer_id=3", limit=2) == [second, first, task]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    entries=st.lists(st.tuples(st.sampled_from(("activity", "task")), st.integers(0, 3)), max_size=24),
    limit=st.integers(1, 5),
)
def test_ties_of_any_number_over_the_edge_of_a_page_are_neither_lost_nor_repeated(client_of, superuser, entries, limit):
    filler = Filler(superuser, next(_companies))
    filler.customer(3)
    put = []
    for kind, moment in entries:
        at = BEGIN + timedelta(microseconds=moment)
        put.append((at, getattr(filler, kind)(at, customer_id=3)))
    expected = sorted(put, key=lambda one: (one[0], one[1][0] == "activity", one[1][1]), reverse=True)
    assert walk(client_of(filler.company_id), "customer_id=3", limit) == [entry for _, entry in expected]


def test_what_lies_ahead_is_hidden_or_open_is_no_entry(client_of, filler):
    filler.customer(3)
    filler.activity(datetime.now(UTC) + timedelta(minutes=4), customer_id=3)
    filler.activity(BEGIN, customer_id=3, archived_at=BEGIN)
    filler.task(None, customer_id=3, status="pending")
    shown = filler.task(BEGIN, customer_id=3)
    assert walk(client_of(filler.company_id), "customer_id=3") == [shown]


def test_a_completion_that_was_logged_is_one_entry(client, known, create):
    known.customer(3)
    logged, plain = create(client, customer_id=3), create(client, customer_id=3)
    client.post(f"/v1/tasks/{logged['id']}/complete", json={"activity": {}})
    client.post(f"/v1/tasks/{plain['id']}/complete", json={})
    kinds = walk(client, "customer_id=3")
    assert [kind for kind, _ in kinds] == ["task", "activity"]
    client.post(f"/v1/tasks/{plain['id']}/reopen", json={})
    assert [kind for kind, _ in walk(client, "customer_id=3")] == ["activity"]


def test_a_logged_completion_stays_one_entry_when_its_date_is_corrected(client, known, create):
    known.customer(3)
    task = create(client, customer_id=3)
    path = f"/v1/tasks/{task['id']}"
    client.post(f"{path}/complete", json={"activity": {}})
    [(_, activity_id)] = walk(client, "customer_id=3")
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    changed = client.patch(f"/v1/activities/{activity_id}", json={"activity_date": earlier}, version=1)
    assert changed.status_code == 200
    assert walk(client, "customer_id=3") == [("activity", activity_id)]
    client.post(f"{path}/reopen", json={})
    client.post(f"{path}/complete", json={})
    assert walk(client, "customer_id=3") == [("task", task["id"]), ("activity", activity_id)]


def test_a_deals_timeline_has_what_its_lead_has_once(client_of, filler):
    filler.customer(3)
    filler.lead(4, customer_id=3)
    filler.deal(5, customer_id=3, lead_id=4)
    of_lead = filler.activity(BEGIN, lead_id=4)
    of_both = filler.activity(BEGIN + timedelta(hours=1), lead_id=4, deal_id=5)
    done = filler.task(BEGIN + timedelta(hours=2), lead_id=4)
    filler.activity(BEGIN, customer_id=3)
    client = client_of(filler.company_id)
    assert walk(client, "deal_id=5") == [done, of_both, of_lead]
    assert walk(client, "lead_id=4", limit=1) == [done, of_both, of_lead]


def test_filters_narrow_a_timeline(client_of, filler):
    filler.customer(3)
    filler._put("user_refs", user_id=8)
    call = filler.activity(BEGIN, customer_id=3)
    note = filler.activity(BEGIN + timedelta(days=1), customer_id=3, activity_type="note", user_id=8)
    task = filler.task(BEGIN + timedelta(days=2), customer_id=3)
    client = client_of(filler.company_id)
    assert walk(client, "customer_id=3&kind=task") == [task]
    assert walk(client, "customer_id=3&kind=activity") == [note, call]
    assert walk(client, "customer_id=3&activity_type=note") == [note]
    assert walk(client, "customer_id=3&user_id=7") == [task, call]
    assert walk(client, "customer_id=3&from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z") == [note]
    # What is of that very moment is behind it no more, page by page.
    until = quote((BEGIN + timedelta(days=2)).isoformat())
    assert walk(client, f"customer_id=3&to={until}", limit=1) == [note, call]
    assert walk(client, "customer_id=3&to=2999-01-01T00:00:00Z", limit=2) == [task, note, call]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "customer_id=3&deal_id=4",
        "customer_id=x",
        "customer_id=3&limit=0",
        "customer_id=3&limit=101",
        "customer_id=3&kind=x",
        "customer_id=3&from=2026-01-01",
    ],
)
def test_a_timeline_is_of_exactly_one_and_takes_what_it_knows(client, query):
    answer = client.get(f"/v1/timeline?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")


def test_a_cursor_belongs_to_its_timeline(client_of, filler):
    for number in (3, 4):
        filler.customer(number)
        for _ in range(2):
            filler.activity(BEGIN, customer_id=number)
    client = client_of(filler.company_id)
    cursor = client.get("/v1/timeline?customer_id=3&limit=1").json["page"]["next_cursor"]
    answer = client.get(f"/v1/timeline?customer_id=4&limit=1&cursor={quote(cursor)}")
    assert (answer.status_code, answer.json["code"]) == (400, "cursor_mismatch")


def test_a_merged_customer_answers_with_the_surviving_ones(client_of, filler):
    filler.customer(3, merged_into=4, archived_at=BEGIN)
    filler.customer(4)
    entry = filler.activity(BEGIN, customer_id=4)
    answer = client_of(filler.company_id).get("/v1/timeline?customer_id=3")
    assert [(row["kind"], row["id"]) for row in answer.json["data"]] == [entry]
    assert answer.headers["Content-Location"] == "/v1/timeline?customer_id=4"


def test_a_timeline_goes_on_where_it_was_when_its_customer_is_merged_meanwhile(client_of, filler, superuser):
    filler.customer(3)
    filler.customer(4)
    entries = [filler.activity(BEGIN + timedelta(minutes=minute), customer_id=3) for minute in range(3)]
    client = client_of(filler.company_id)
    first = client.get("/v1/timeline?customer_id=3&limit=1").json
    assert [entry["id"] for entry in first["data"]] == [entries[2][1]]
    of = (filler.company_id,)
    superuser.execute("UPDATE activities SET customer_id = 4 WHERE company_id = %s AND customer_id = 3", of)
    superuser.execute("UPDATE customer_refs SET merged_into = 4 WHERE company_id = %s AND customer_id = 3", of)
    cursor = quote(first["page"]["next_cursor"])
    second = client.get(f"/v1/timeline?customer_id=3&limit=10&cursor={cursor}")
    assert [entry["id"] for entry in second.json["data"]] == [entries[1][1], entries[0][1]]
    assert second.headers["Content-Location"] == "/v1/timeline?customer_id=4"


@pytest.mark.parametrize("scope", ["activities:read", "activities:read:own"])
def test_who_may_see_no_tasks_gets_none_of_a_subject_that_is_there(client_of, filler, scope):
    filler.customer(3, assigned_to=8)
    client = client_of(filler.company_id, scope, user_id=8)
    assert client.get("/v1/timeline?customer_id=3&kind=task").json["data"] == []
    assert client.get("/v1/timeline?customer_id=9&kind=task").status_code == 404


def test_customers_merged_into_each_other_have_no_timeline(client_of, filler):
    filler.customer(3, merged_into=4, archived_at=BEGIN)
    filler.customer(4, merged_into=3, archived_at=BEGIN)
    answer = client_of(filler.company_id).get("/v1/timeline?customer_id=3")
    assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")


def test_who_sees_their_own_alone_sees_a_page_with_gaps_and_no_error(client_of, filler):
    filler._put("user_refs", user_id=8)
    filler.customer(3, assigned_to=8)
    filler.customer(9)
    filler.deal(5, customer_id=3, assigned_to=7)
    filler.activity(BEGIN + timedelta(hours=1), customer_id=3, deal_id=5)
    shown = [filler.activity(BEGIN + timedelta(minutes=minute), customer_id=3) for minute in range(3)]
    filler.task(BEGIN, customer_id=3)
    mine = filler.task(BEGIN - timedelta(hours=1), customer_id=3, assigned_to=8)
    own = client_of(filler.company_id, "activities:read:own tasks:read:own", user_id=8)
    assert walk(own, "customer_id=3", limit=2) == [*shown[::-1], mine]
    assert own.get("/v1/timeline?customer_id=9").status_code == 404
    assert own.get("/v1/timeline?deal_id=5").status_code == 404
    without_tasks = client_of(filler.company_id, "activities:read", user_id=8)
    assert [kind for kind, _ in walk(without_tasks, "customer_id=3")] == ["activity"] * 4


def test_changes_of_one_record_stand_under_one_heading(client_of, filler):
    filler.customer(3)
    changes = [filler.change(BEGIN + timedelta(minutes=minute), 5, customer_id=3) for minute in (0, 5, 9, 30)]
    filler.change(BEGIN + timedelta(minutes=6), 6, customer_id=3)
    entries = client_of(filler.company_id).get("/v1/timeline?customer_id=3&group=true").json["data"]
    heads = [
        (entry["id"], [record["id"] for record in entry["grouped"]])
        for entry in entries
        if entry["record"]["change"]["id"] == 5
    ]
    numbers = [number for _, number in changes]
    assert heads == [(numbers[3], []), (numbers[2], [numbers[1], numbers[0]])]


def test_another_tenants_timeline_is_not_there(client_of, filler):
    filler.customer(3)
    filler.activity(BEGIN, customer_id=3)
    assert client_of(filler.company_id + 10**9).get("/v1/timeline?customer_id=3").status_code == 404
