"""Killed workers, a database that breaks off, the same event again, many at once: everything happens, and once."""

import threading
import time
import uuid
from datetime import timedelta
from threading import Event as Flag

import psycopg
import pytest

from chassis.broker.schedules import Scheduler, Turns
from chassis.testing.days import day
from chassis.testing.waiting import wait_until
from tasks import handlers
from tasks.handlers import jobs

MANY, MINUTE = 10_000, 60
SLOWEST_NOTICE = timedelta(seconds=5)
ONE, TWO = "1 task of a colleague is yours", "2 tasks of a colleague are yours"

# Completes tasks and sets dates to follow up, one after the other, until it is killed.
WORKING = """
import sys
from datetime import date
from chassis.context import Context, acting_as
from chassis.db.session import Database
from tasks.commands import activities, tasks

database, company_id, day = Database(sys.argv[1]), int(sys.argv[2]), date.fromisoformat(sys.argv[3])
for number, (task_id, activity_id) in enumerate(map(int, pair.split("-")) for pair in sys.argv[4].split(",")):
    scope = frozenset(("tasks:read", "tasks:write", "activities:read", "activities:write"))
    with acting_as(Context(company_id=company_id, user_id=7, request_id="killed", permissions=scope)):
        with database.transaction() as session:
            tasks.complete_task(session, tasks.expect_task(session, task_id, None))
        with database.transaction() as session:
            activities.update_activity(session, activity_id, None, {"follow_up_date": day})
    print(number, flush=True)
"""
FIRING = """
import sys
from threading import Event
from chassis.db.session import Database
from tasks.handlers import fire_reminders
database = Database(sys.argv[1])
print("begun", flush=True)
sys.stdin.readline()
fire_reminders(database, Event())
"""


@pytest.fixture
def started(programs):
    """Start a program with arguments; it is killed at the end at the latest."""
    running = []

    def start(program, *arguments):
        running.append(programs.start("-c", program, *map(str, arguments)))
        return running[-1]

    yield start
    for process in running:
        process.end()


@pytest.fixture
def waiting(superuser, company_id, known):
    """As many tasks as wanted of a user, each with a reminder that is due after a while."""

    def make(count, after=timedelta(0), step=timedelta(0)):
        superuser.execute(
            """
            WITH made AS (
                INSERT INTO tasks (company_id, title, due_date, due_time_zone, assigned_to, created_by)
                SELECT %s, 'Call', now() + interval '1 day', 'UTC', 7, 8 FROM generate_series(1, %s) RETURNING id
            )
            INSERT INTO reminders (company_id, task_id, kind, minutes_before, fire_at, state)
            SELECT %s, id, 'default', 60, now() + %s + row_number() OVER () * %s::interval, 'waiting' FROM made
            """,
            (company_id, count, company_id, after, step),
        )

    return make


@pytest.fixture
def notified(superuser, company_id):
    """What was told: of which task, and how long after its reminder was due."""

    def read():
        query = """
            SELECT n.subject_id, n.created_at - r.fire_at FROM notifications n
            JOIN reminders r ON r.company_id = n.company_id AND r.task_id = n.subject_id
            WHERE n.company_id = %s AND n.kind = 'reminder' ORDER BY n.id
        """
        return superuser.execute(query, (company_id,)).fetchall()

    return read


def test_a_database_that_breaks_off_again_and_again_costs_no_reminder(
    database, waiting, notified, superuser, company_id
):
    waiting(80)
    over = Flag()

    def work():
        while not over.is_set():
            try:
                handlers.fire_reminders(database, Flag())
            except psycopg.OperationalError:  # As the scheduler takes it: there is a next turn.
                time.sleep(0.01)

    worker = threading.Thread(target=work)
    worker.start()
    cut = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE usename = 'tasks_app' AND datname = current_database()"
    )
    cuts = 0
    try:
        while len(notified()) < 80:
            cuts += superuser.execute(cut).fetchone()[0]
            told = min(80, len(notified()) + 5)
            wait_until(lambda told=told: len(notified()) >= told, 30)
    finally:
        over.set()
        worker.join()
    assert cuts >= 5
    assert len({task_id for task_id, _ in notified()}) == len(notified()) == 80
    blamed = "SELECT count(*) FROM reminders WHERE company_id = %s AND (state <> 'fired' OR attempts > 0)"
    assert superuser.execute(blamed, (company_id,)).fetchone() == (0,)


def test_a_reminder_takes_a_worker_no_more_than_its_share_of_a_minute(database, waiting, notified):
    """By the time that the worker itself is busy, as what else the machine does has no part in that."""
    waiting(20)
    handlers.fire_reminders(database, Flag())  # Statements are made, and known to their connections.
    waiting(500)
    began = time.process_time()
    handlers.fire_reminders(database, Flag())
    worked = time.process_time() - began
    assert len(notified()) == 520
    assert worked / 500 <= MINUTE / MANY, f"{worked / 500 * 1000:.1f} ms each"


@pytest.mark.long
def test_ten_thousand_reminders_of_a_minute_take_two_workers_no_minute(urls, waiting, notified, started):
    waiting(MANY)
    workers = [started(FIRING, urls.app) for _ in range(2)]
    for worker in workers:
        assert worker.stdout.readline() == b"begun\n"
    began = time.monotonic()
    for worker in workers:
        worker.stdin.write(b"\n")
        worker.stdin.flush()
    for worker in workers:
        worker.wait()
    took = time.monotonic() - began
    assert len({task_id for task_id, _ in notified()}) == len(notified()) == MANY
    assert took <= MINUTE, f"{took:.0f} s"


def test_whoever_is_reminded_is_so_within_seconds(database, urls, waiting, notified):
    waiting(30, timedelta(seconds=0.5), timedelta(seconds=0.1))
    [schedule] = [entry for entry in jobs.SCHEDULES if entry.name == "fire-reminders"]
    stop = Flag()
    turns = [Turns(urls.app) for _ in range(2)]
    workers = [
        threading.Thread(target=Scheduler(schedule, database, one).run, args=(stop, lambda: None)) for one in turns
    ]
    for worker in workers:
        worker.start()
    try:
        wait_until(lambda: len(notified()) == 30, 30)
    finally:
        stop.set()
        for worker in workers:
            worker.join()
        for one in turns:
            one.close()
    assert all(timedelta(0) <= late <= SLOWEST_NOTICE for _, late in notified())


def test_a_process_that_is_killed_makes_each_next_task_and_each_follow_up_once(
    *, client, company_id, urls, known, create, started, told
):
    known.customer(3)
    tomorrow, pairs = day(1), []
    for _ in range(12):
        task = create(client, due_on=tomorrow, recurrence={"rrule": "FREQ=DAILY"})
        note = client.post("/v1/activities", json={"activity_type": "note", "title": "x", "customer_id": 3}).json
        pairs.append((task, note))
    given = ",".join(f"{task['id']}-{note['id']}" for task, note in pairs)
    done = 0
    while done < len(pairs):
        process = started(WORKING, urls.app, company_id, tomorrow, given)
        # It begins anew each time; what is done already it does again, to no effect.
        for _ in range(min(done + 4, len(pairs))):
            line = process.stdout.readline()
        done = int(line) + 1
        process.kill()
        process.wait()
    for task, note in pairs:
        made = client.get(f"/v1/tasks?series_id={task['series_id']}").json["data"]
        assert sorted(row["status"] for row in made) == ["completed", "pending"]
        follow_ups = client.get(f"/v1/tasks?follow_up_of={note['id']}").json["data"]
        assert [row["due_on"] for row in follow_ups] == [tomorrow]
        names = [event["type"].split(".")[2] for event in told(f"tasks/{task['id']}")]
        assert names == ["created", "completed"]


@pytest.mark.parametrize("name", ["customer.updated", "lead.updated", "deal.updated"])
def test_an_event_that_comes_again_tells_a_new_owner_once(hear, client_of, company_id, known, name):
    document = {"name": "C", "lead_name": "L", "deal_name": "D", "status": "open", "assigned_to": 8}
    document |= dict.fromkeys(("created_by", "archived_at", "customer_id", "lead_id", "merged_into"))
    event = hear(name, 5, 2, document, document | {"assigned_to": 7}, actor=7)
    hear(name, 5, 2, event=event)
    rows = client_of(company_id, user_id=8).get("/v1/notifications").json["data"]
    assert [row["kind"] for row in rows] == [name.partition(".")[0] + "_assigned"]


def test_a_transfer_that_is_told_of_again_is_one_notification(hear, client_of, company_id, known):
    event = hear("task_transfer.completed", 5, 2, {"targets": [8], "moved": 3})
    hear("task_transfer.completed", 5, 2, event=event)
    rows = client_of(company_id, user_id=8).get("/v1/notifications").json["data"]
    assert [row["kind"] for row in rows] == ["transfer"]


@pytest.mark.parametrize(
    ("targets", "moved", "told"),
    [
        ([7, 8, 9], 5, {7: (2, TWO), 8: (2, TWO), 9: (1, ONE)}),
        ([7, 8, 9], 1, {7: (1, ONE)}),
        ([7, 10], 5, {7: (5, "5 tasks of a colleague are somebody else's, some of them yours")}),
    ],
)
def test_each_who_got_tasks_is_told_how_many_are_theirs(hear, client_of, company_id, known, *, targets, moved, told):
    known.user(9, version=1)
    known.user(10, version=1, is_active=False)
    hear("task_transfer.completed", 5, 2, {"targets": targets, "moved": moved})

    def heard(user_id):
        rows = client_of(company_id, user_id=user_id).get("/v1/notifications").json["data"]
        return [(row["details"]["moved"], row["title"]) for row in rows]

    assert {user_id: heard(user_id) for user_id in (7, 8, 9, 10)} == {
        user_id: [told[user_id]] if user_id in told else [] for user_id in (7, 8, 9, 10)
    }


def test_a_request_that_is_sent_again_makes_one_follow_up(client, known):
    known.customer(3)
    body = {"activity_type": "call", "title": "Offer", "customer_id": 3, "follow_up_date": day(1)}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    answers = [client.post("/v1/activities", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert len(client.get("/v1/tasks?follow_up_of[is_null]=false").json["data"]) == 1
