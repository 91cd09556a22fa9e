"""Calendar feeds: one to a user, shown to who has the address, and to nobody a moment longer than they may see it."""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

from tasks.queries import calendar as queries
from tasks.rules.calendar import LONGEST_DESCRIPTION

FEED = "/v1/calendar-feed"
LETTER = "\N{MUSICAL SYMBOL G CLEF}"  # Of four octets.
NOW = datetime.now(UTC).replace(microsecond=0)


def at(**delta):
    return (NOW + timedelta(**delta)).isoformat()


@pytest.fixture
def http(application):
    return application.test_client()


@pytest.fixture
def feed(client, known, http):
    """A feed of user 7, and its calendar: answers (path, get)."""

    def make(**body):
        answer = client.post(FEED, json=body)
        assert answer.status_code == 201, answer.json
        path = "/v1/calendar/" + answer.json["url"].rpartition("/")[2]
        return path, lambda **headers: http.get(path, headers=headers)

    return make


def uids(answer):
    assert answer.status_code == 200, answer.json
    read = IcsCalendarStream.calendar_from_ics(answer.data.decode())
    found = {str(item["UID"]) for item in Calendar.from_ical(answer.data).walk() if "UID" in item}
    assert found == {item.uid for item in (*read.events, *read.todos)}
    return found


def test_a_feed_is_made_shown_once_replaced_and_revoked(client, feed, told, http, *, superuser, company_id):
    path, get = feed(**{"as": "todos", "include": {"completed": False}})
    shown = client.get(FEED).json
    assert (shown["user_id"], shown["as"], shown["include"]) == (7, "todos", {"completed": False})
    assert "url" not in shown
    assert get().status_code == 200
    other, get_other = feed()
    assert other != path
    assert (get().status_code, get_other().status_code) == (404, 200)
    assert client.delete(FEED).status_code == 204
    assert [get_other().status_code, client.get(FEED).status_code, client.delete(FEED).status_code] == [404] * 3
    assert [event["type"] for event in told()] == [
        f"crm.calendar_feed.{name}.v1" for name in ("created", "revoked", "created", "revoked")
    ]
    tokens = [text.split("/")[-1].removesuffix(".ics") for text in (path, other)]
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", token) for token in tokens)
    bodies = b"".join(
        bytes(body) for (body,) in superuser.execute("SELECT body FROM outbox WHERE company_id = %s", (company_id,))
    )
    kept = superuser.execute("SELECT coalesce(string_agg(body::text, ''), '') FROM idempotency_keys").fetchone()
    for token in tokens:
        assert token.encode() not in bodies
        assert hashlib.sha256(token.encode()).hexdigest().encode() not in bodies
        assert token not in kept[0]


def test_the_address_is_in_no_answer_that_is_kept(client, known):
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first = client.post(FEED, json={}, headers=key)
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Location"] == FEED
    again = client.post(FEED, json={}, headers=key)
    assert "url" not in (again.json or {})


@pytest.mark.parametrize("reason", ["unknown", "malformed", "revoked", "inactive", "suspended"])
def test_whatever_the_reason_is_the_answer_is_the_same(reason, client, feed, known, http, *, superuser, company_id):
    known.company()
    path, get = feed()
    assert get().status_code == 200
    if reason == "unknown":
        path = f"/v1/calendar/{secrets.token_urlsafe(32)}.ics"
    elif reason == "malformed":
        path = "/v1/calendar/7.ics"
    elif reason == "revoked":
        client.delete(FEED)
    elif reason == "inactive":
        superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s", (company_id,))
    else:
        superuser.execute("UPDATE company_refs SET status = 'suspended' WHERE company_id = %s", (company_id,))
    answer = http.get(path)
    problem = {name: value for name, value in answer.json.items() if name != "request_id"}
    assert problem == {
        "type": "urn:crm:problem:feed_not_found",
        "title": "Not found",
        "status": 404,
        "code": "feed_not_found",
        "detail": "There is no such calendar feed.",
    }
    assert "Cache-Control" not in answer.headers or "max-age" not in answer.headers["Cache-Control"]


def test_what_a_calendar_shows(client, feed, create, superuser, company_id):
    _, get = feed()
    inside = [
        create(client, due_date=at(days=1)),
        create(client, due_on=(NOW + timedelta(days=300)).date().isoformat()),
        create(client, due_date=at(days=-80)),
    ]
    create(client, due_date=at(days=-95))
    create(client, due_date=at(days=370))
    create(client)
    create(client, due_date=at(days=1), assigned_to=8)
    archived = create(client, due_date=at(days=1))
    client.delete(f"/v1/tasks/{archived['id']}", version=1)
    cancelled = create(client, due_date=at(days=1))
    client.post(f"/v1/tasks/{cancelled['id']}/cancel")
    lately, before = create(client, due_date=at(days=-10)), create(client, due_date=at(days=-10))
    client.post(f"/v1/tasks/{lately['id']}/complete", json={})
    client.post(f"/v1/tasks/{before['id']}/complete", json={"completed_at": at(days=-8)})
    shown = {f"task-{company_id}-{task['id']}@127.0.0.1" for task in [*inside, lately]}
    assert uids(get()) == shown
    _, without = feed(include={"completed": False})
    assert uids(without()) == {f"task-{company_id}-{task['id']}@127.0.0.1" for task in inside}
    client.patch(f"/v1/tasks/{inside[0]['id']}", json={"assigned_to": 8}, version=1)
    assert uids(without()) == {f"task-{company_id}-{task['id']}@127.0.0.1" for task in inside[1:]}


@pytest.mark.parametrize(("length", "end"), [(LONGEST_DESCRIPTION, ""), (20_000, "…")])
def test_of_a_long_description_no_more_is_read_than_is_shown(client, feed, create, monkeypatch, *, length, end):
    """Read whole, the 2,000 of a feed took 300 MB in a process, and who asks needs no token."""
    read = []
    listed = queries.list_entries
    monkeypatch.setattr(queries, "list_entries", lambda *given: read.append(listed(*given)) or read[-1])
    _, get = feed()
    create(client, description=LETTER * length, due_date=at(days=1))
    [event] = [item for item in Calendar.from_ical(get().data).walk() if "UID" in item]
    assert event["DESCRIPTION"] == LETTER * LONGEST_DESCRIPTION + end
    [[entry]] = read
    assert len(entry.description) <= LONGEST_DESCRIPTION + 1


def test_types_and_todos(client, feed, create):
    _, get = feed(**{"as": "todos", "include": {"task_types": ["call"]}})
    create(client, due_date=at(days=1), title="General")
    call = create(client, due_date=at(days=1), title="Ring; Ada", task_type="call", priority="urgent")
    (todo,) = Calendar.from_ical(get().data).walk("VTODO")
    assert (todo["SUMMARY"], todo["PRIORITY"], todo["STATUS"]) == ("Ring; Ada", 1, "NEEDS-ACTION")
    assert str(todo["URL"]).endswith(f"/tasks/{call['id']}")
    assert Calendar.from_ical(get().data).walk("VEVENT") == []


def test_an_unchanged_calendar_is_not_sent_again(client, feed, create):
    _, get = feed()
    task = create(client, due_date=at(days=1))
    first = get()
    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert first.headers["Cache-Control"] == "private, max-age=900"
    again = get(**{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    client.patch(f"/v1/tasks/{task['id']}", json={"title": "Another"}, version=1)
    assert get(**{"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_calendar_is_asked_for_sixty_times_an_hour(feed, superuser, company_id):
    _, get = feed()
    superuser.execute("UPDATE calendar_feeds SET asked = 59 WHERE company_id = %s", (company_id,))
    assert get().status_code == 200
    refused = get()
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    superuser.execute(
        "UPDATE calendar_feeds SET counted_from = now() - interval '61 minutes' WHERE company_id = %s", (company_id,)
    )
    assert get().status_code == 200


def test_two_who_make_a_feed_at_once_leave_one(client_of, known, company_id, at_once, superuser):
    makers = [client_of(company_id), client_of(company_id)]
    answers = at_once(*(lambda maker=maker: maker.post(FEED, json={}).status_code for maker in makers))
    assert answers == [201, 201]
    assert (
        superuser.execute("SELECT count(*) FROM calendar_feeds WHERE company_id = %s", (company_id,)).fetchone()[0] == 1
    )


@pytest.mark.parametrize(
    "body", [{"as": "rss"}, {"include": {"task_types": []}}, {"include": {"task_types": ["x"]}}, {"include": {"x": 1}}]
)
def test_a_feed_that_cannot_be_is_refused(client, known, body):
    assert client.post(FEED, json=body).status_code == 422


def test_the_log_holds_no_token(feed, capfd):
    path, get = feed()
    get()
    logged = "".join(capfd.readouterr())
    assert "/v1/calendar/<token>.ics" in logged
    assert path.split("/")[-1].removesuffix(".ics") not in logged
