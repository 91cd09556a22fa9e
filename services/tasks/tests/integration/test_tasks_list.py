"""Lists of tasks: by when they are due, by what matters, and counted alike by the summary."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.rules.due import BUCKETS, bounds_at, bucket_of
from tasks.rules.zones import zone_of

BERLIN = "Europe/Berlin"


def titles(answer):
    assert answer.status_code == 200, answer.json
    return [row["title"] for row in answer.json["data"]]


def test_priority_goes_by_its_meaning(client, create):
    for priority in ("medium", "urgent", "low", "high"):
        create(client, title=priority, priority=priority)
    ranked = ["low", "medium", "high", "urgent"]
    assert titles(client.get("/v1/tasks?sort=priority")) == ranked
    assert titles(client.get("/v1/tasks?sort=-priority")) == ranked[::-1]
    paged, path = [], "/v1/tasks?sort=-priority&limit=1"
    while path:
        answer = client.get(path)
        paged += titles(answer)
        cursor = answer.json["page"]["next_cursor"]
        path = cursor and f"/v1/tasks?sort=-priority&limit=1&cursor={quote(cursor)}"
    assert paged == ranked[::-1]
    row = client.get("/v1/tasks?sort=priority&limit=1").json["data"][0]
    assert "priority_rank" not in row
    assert row == client.get(f"/v1/tasks/{row['id']}").json


def test_open_tasks_come_by_due_date_with_the_undated_last(client, create):
    create(client, title="none")
    create(client, title="later", due_on="2100-01-02")
    create(client, title="sooner", due_on="2100-01-01")
    done = create(client, title="done", due_on="2099-01-01")
    client.post(f"/v1/tasks/{done['id']}/complete", json={})
    assert titles(client.get("/v1/tasks?open=true")) == ["sooner", "later", "none"]
    assert titles(client.get("/v1/tasks?open=true&sort=-due_date")) == ["later", "sooner", "none"]
    assert titles(client.get("/v1/tasks?open=false")) == ["done"]
    assert len(titles(client.get("/v1/tasks"))) == 4


@pytest.mark.parametrize(
    "query",
    ["due=soon", "open=maybe", "due=", "time_zone=Mars/Olympus&due=today", "due[eq]=today", "due=today&due=week"],
)
def test_what_is_no_bucket_is_refused(client, query):
    assert client.get(f"/v1/tasks?{query}").status_code in (400, 422)


@pytest.fixture
def week(client, create):
    """A task around every bound of a week in Berlin, whose title is its bucket by the rule."""
    now = datetime.now(UTC)
    bounds = bounds_at(now, zone_of(BERLIN))
    moments = [now - timedelta(days=1), now - timedelta(seconds=1), now + timedelta(minutes=10)]
    for edge in (bounds.tomorrow, bounds.day_after, bounds.next_week):
        moments += [edge - timedelta(seconds=1), edge, edge + timedelta(seconds=1)]
    for moment in moments:
        create(client, title=bucket_of(moment, bounds, all_day=False), due_date=moment.isoformat())
    today = now.astimezone(zone_of(BERLIN)).date()
    for days in range(-2, 10):
        create(client, title="all day", due_on=(today + timedelta(days=days)).isoformat(), due_time_zone=BERLIN)
    create(client, title="none")
    done = create(client, title="done", due_on=today.isoformat())
    client.post(f"/v1/tasks/{done['id']}/complete", json={})
    return bounds


def test_each_open_task_is_in_one_bucket_the_one_of_the_rule(client, week):
    counted = client.get(f"/v1/tasks/summary?time_zone={BERLIN}").json
    found = {}
    for bucket in BUCKETS:
        rows = client.get(f"/v1/tasks?due={bucket}&time_zone={BERLIN}&limit=100").json["data"]
        for row in rows:
            assert row["id"] not in found
            found[row["id"]] = bucket
            due = row["due_date"] and datetime.fromisoformat(row["due_date"])
            assert bucket_of(due, week, all_day=row["due_on"] is not None) == bucket
            assert row["title"] in (bucket, "all day")
        assert counted[bucket] == len(rows)
    assert counted["open"] == len(found) == len(client.get("/v1/tasks?open=true&limit=100").json["data"])


def test_the_zone_is_the_callers_else_the_companys(client, known):
    known.company(time_zone="Asia/Kolkata")
    assert client.get("/v1/tasks/summary").json["time_zone"] == "Asia/Kolkata"
    known.settings(7, time_zone=BERLIN)
    assert client.get("/v1/tasks/summary").json["time_zone"] == BERLIN
    assert client.get("/v1/tasks/summary?time_zone=UTC").json["time_zone"] == "UTC"


@pytest.mark.parametrize("query", ["user=7", "assigned_to=x", "assigned_to=0", "assigned_to=7&assigned_to=8"])
def test_what_a_summary_does_not_know_is_refused(client, query):
    answer = client.get(f"/v1/tasks/summary?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")


def test_pages_of_a_bucket_go_on_though_time_does(client, create):
    for number in range(5):
        create(client, title=str(number), due_date=f"2020-01-0{number + 1}T00:00:00Z")
    path, found = "/v1/tasks?due=overdue&limit=2", []
    while path:
        answer = client.get(path)
        found += titles(answer)
        cursor = answer.json["page"]["next_cursor"]
        path = cursor and f"/v1/tasks?due=overdue&limit=2&cursor={quote(cursor)}"
    assert found == ["0", "1", "2", "3", "4"]


def test_who_sees_their_own_alone_finds_what_they_do_and_what_they_made(client, client_of, company_id, known, create):
    own = client_of(company_id, "tasks:read:own tasks:write", user_id=8)
    create(client, title="others")
    create(client, title="done by 8", assigned_to=8, due_on="2100-01-02")
    hers = create(own, title="made by 8", assigned_to=7, priority="urgent")
    assert titles(own.get("/v1/tasks?sort=-priority")) == ["made by 8", "done by 8"]
    assert titles(own.get("/v1/tasks?open=true")) == ["done by 8", "made by 8"]
    assert own.get(f"/v1/tasks/{hers['id']}").status_code == 200
    assert own.get("/v1/tasks/summary?assigned_to=7").json["open"] == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(days=st.lists(st.integers(-3, 12), min_size=1, max_size=6), zone=st.sampled_from(["UTC", "Pacific/Auckland"]))
def test_the_buckets_add_up_wherever_one_is(client_of, create, days, zone):
    client = client_of(int.from_bytes(bytes(str((days, zone)), "utf-8")[-6:]) + 10**13)
    before = client.get(f"/v1/tasks/summary?time_zone={zone}").json["open"]
    for count in days:
        due = datetime.now(UTC) + timedelta(days=count)
        create(client, due_on=due.date().isoformat(), due_time_zone="America/Santiago")
    counted = client.get(f"/v1/tasks/summary?time_zone={zone}").json
    assert sum(counted[bucket] for bucket in BUCKETS) == counted["open"] == before + len(days)
