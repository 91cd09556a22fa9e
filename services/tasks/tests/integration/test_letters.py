"""Letters of reminders and digests: one each, made when they leave, and none that has nothing to say any more."""

import email
import email.policy
import signal
import textwrap
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from zoneinfo import ZoneInfo

import pytest

from chassis.context import Context, acting_as
from chassis.mail import make_mailer, send_letters
from tasks.commands.digests import begin_digests, forget_digests
from tasks.commands.letters import make_letter, post_reminder
from tasks.handlers import fire_reminders
from tasks.models import MAILS

APP = "https://crm.example"
NOW = datetime.now(UTC).replace(microsecond=0)


def at(**delta):
    return (NOW + timedelta(**delta)).isoformat()


@pytest.fixture
def wants(known, superuser):
    """User 7 of an active company gets letters as told; letters of other tests are not sent in this one."""

    def tell(**settings):
        superuser.execute("UPDATE mails SET status = 'failed', body = NULL WHERE status = 'pending'")
        superuser.execute("UPDATE user_settings SET digest = false")
        known.company(status="active", time_zone="Europe/Berlin")
        superuser.execute(
            "UPDATE user_refs SET email = 'ann@acme.example', name = %s WHERE company_id = %s AND user_id = 7",
            ("Ann {0}\nBcc: eve@evil.example", known._company_id),
        )
        known.settings(7, **settings)

    return tell


@pytest.fixture
def send(database, tmp_path):
    """The worker's turn; answers the letters that left, in order."""
    folder = tmp_path / "mail"
    mailer = make_mailer(folder.as_uri(), "CRM <crm@crm.example>")
    seen = set()

    def turn():
        send_letters(database, mailer, MAILS, prepare=lambda session, letter: make_letter(session, letter, APP))
        new = sorted(set(folder.glob("*.eml")) - seen) if folder.exists() else []
        seen.update(new)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in new]

    return turn


@pytest.fixture
def fire(database, superuser, company_id):
    """Fire a task's reminder as the worker does, as far as letters go; whether a letter was posted."""

    def run(task, *, user_id=7, ago=timedelta(minutes=1)):
        row = superuser.execute(
            "UPDATE reminders SET fire_at = %(at)s, updated_at = %(at)s, state = 'fired', fired_for = %(at)s"
            " WHERE task_id = %(task)s AND kind = 'default' RETURNING id, fired_for",
            {"at": NOW - ago, "task": task["id"]},
        ).fetchone()
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            return post_reminder(session, reminder_id=row[0], user_id=user_id, fired_for=row[1])

    return run


@pytest.fixture
def statuses(superuser, company_id):
    def read():
        rows = superuser.execute("SELECT status FROM mails WHERE company_id = %s ORDER BY id", (company_id,)).fetchall()
        return [status for (status,) in rows]

    return read


REMINDED = {"email_reminders": True, "default_reminders": [{"minutes_before": 60}]}


def test_a_reminder_becomes_a_letter_with_titles_and_names_as_text(
    client, wants, create, fire, *, send, statuses, superuser
):
    wants(**REMINDED, time_zone="Asia/Kolkata")
    title = "Call <b>Ada</b> {name}\r\nBcc: eve@evil.example"
    task = create(client, title="Before", due_date="2099-03-05T12:00:00Z")
    assert fire(task)
    assert client.patch(f"/v1/tasks/{task['id']}", json={"title": title}, version=1).status_code == 422
    # As one of before the API refused such titles.
    superuser.execute("UPDATE tasks SET title = %s WHERE id = %s", (title, task["id"]))
    (letter,) = send()
    assert (letter["To"], "Bcc" in letter, letter.get_content_type()) == ("ann@acme.example", False, "text/plain")
    assert letter["Subject"] == "Reminder: Call <b>Ada</b> {name} Bcc: eve@evil.example"
    text = letter.get_content()
    assert "Hello Ann {0} Bcc: eve@evil.example," in text
    assert "\nCall <b>Ada</b> {name} Bcc: eve@evil.example\nDue: 5 March 2099, 17:30 (Asia/Kolkata)\n" in text
    assert f"\n{APP}/tasks/{task['id']}\n" in text
    assert (send(), statuses()) == ([], ["sent"])


def test_the_worker_that_fires_a_reminder_posts_one_letter(client, wants, create, database, *, send, superuser):
    wants(**REMINDED)
    task = create(client, due_date=at(days=2))
    superuser.execute(
        "UPDATE reminders SET fire_at = now() - interval '1 minute' WHERE task_id = %s AND kind = 'default'",
        (task["id"],),
    )
    for _ in range(2):
        fire_reminders(database, Flag())
    assert [letter["Subject"] for letter in send()] == ["Reminder: Call Ada"]
    fire_reminders(database, Flag())
    assert send() == []


def test_who_wants_no_letters_gets_none(client, wants, create, fire, superuser):
    wants(default_reminders=[{"minutes_before": 60}])
    assert not fire(create(client, due_date=at(days=2)))
    superuser.execute("UPDATE user_settings SET email_reminders = true")
    superuser.execute("UPDATE user_refs SET email = 'no address'")
    assert not fire(create(client, due_date=at(days=2)))


@pytest.mark.parametrize(
    "reason", ["done", "moved", "archived", "reassigned", "inactive", "suspended", "unwanted", "customer", "late"]
)
def test_a_letter_leaves_only_while_its_reminder_stands(
    reason, client, wants, create, *, known, fire, send, statuses, superuser, company_id
):
    wants(**REMINDED)
    known.customer(3)
    task = create(client, due_date=at(days=2), customer_id=3)
    path = f"/v1/tasks/{task['id']}"
    assert fire(task, ago=timedelta(hours=25) if reason == "late" else timedelta(minutes=1))
    if reason == "done":
        client.post(f"{path}/complete", json={})
    elif reason == "moved":
        client.patch(path, json={"due_date": at(days=5)}, version=1)
    elif reason == "archived":
        client.delete(path, version=1)
    elif reason == "reassigned":
        client.patch(path, json={"assigned_to": 8}, version=1)
    else:
        change = {
            "inactive": "UPDATE user_refs SET is_active = false WHERE company_id = %s",
            "suspended": "UPDATE company_refs SET status = 'suspended' WHERE company_id = %s",
            "unwanted": "UPDATE user_settings SET email_reminders = false WHERE company_id = %s",
            "customer": "UPDATE customer_refs SET archived_at = now() WHERE company_id = %s",
            "late": "SELECT %s",
        }[reason]
        superuser.execute(change, (company_id,))
    assert (send(), statuses()) == ([], ["withdrawn"])


# Where it is nearest to noon: whatever the hour of the run, hours before and after it are of the same day there.
NOON = min(
    (f"Etc/GMT{hours:+}" for hours in range(-12, 13)),
    key=lambda name: abs(datetime.now(ZoneInfo(name)).hour - 12),
)


def there(**before):
    """The wall clock there, so long before now."""
    return (NOW - timedelta(**before)).astimezone(ZoneInfo(NOON)).replace(second=0, microsecond=0)


def due_now(**more):
    """Settings with a digest that has been due for half an hour by the wall clock there."""
    return {
        "digest": True,
        "digest_at": there(minutes=30).time(),
        "digest_days": "[1, 2, 3, 4, 5, 6, 7]",
        "time_zone": NOON,
    } | more


def test_a_digest_says_what_is_overdue_and_due_today(client, wants, create, database, *, send, statuses, superuser):
    wants(**due_now())
    for number in range(27):
        create(client, title=f"Old {number:02}", due_date=at(days=-2, minutes=number))
    create(client, title="Elsewhere", due_date=at(days=-1), assigned_to=8)
    today = there().date()
    create(client, title="All day", due_on=today.isoformat(), due_time_zone=NOON)
    missed = create(client, title="Missed", due_date=at(days=20), remind_at=at(days=10))
    superuser.execute(
        "UPDATE reminders SET state = 'skipped', fire_at = now() - interval '30 hours', updated_at = now(),"
        " created_at = now() - interval '3 days' WHERE task_id = %s AND kind = 'remind_at'",
        (missed["id"],),
    )
    assert begin_digests(database, Flag()) == 1
    done = create(client, title="Done by then", due_date=at(days=-3))
    client.post(f"/v1/tasks/{done['id']}/complete", json={})
    (letter,) = send()
    assert letter["Subject"] == "Your tasks: 27 overdue, 1 today, 1 missed reminders"
    text = letter.get_content()
    assert "Overdue (27)\n- Old 00 (due " in text
    assert "- Old 24 (due " in text
    assert "Old 25" not in text
    assert "\nand 2 more\n" in text
    assert f"Today (1)\n- All day (due {today.day} " in text
    assert "Missed reminders (1)\n- Missed (due " in text
    assert "Elsewhere" not in text
    assert "Done by then" not in text
    assert statuses() == ["sent"]


def test_a_digest_is_one_whatever_restarts(client, wants, create, database, *, send, at_once, superuser, company_id):
    wants(**due_now())
    create(client, due_date=at(days=-1))
    assert sorted(at_once(*[lambda: begin_digests(database, Flag())] * 4)) == [0, 0, 0, 1]
    assert len(send()) == 1
    assert begin_digests(database, Flag()) == 0
    # Another time of the same day makes no second one.
    superuser.execute(
        "UPDATE user_settings SET digest_at = digest_at - interval '1 hour' WHERE company_id = %s", (company_id,)
    )
    assert (begin_digests(database, Flag()), send()) == (0, [])


@pytest.mark.parametrize("reason", ["off", "nothing", "inactive", "suspended", "another_day", "late"])
def test_there_is_no_digest(reason, client, wants, create, *, database, send, superuser, company_id):
    given = {
        "off": {"digest": False},
        "another_day": {"digest_days": "[]"},
        "late": {"digest_at": there(hours=3, minutes=15).time()},
    }.get(reason, {})
    wants(**due_now(**given))
    if reason != "nothing":
        create(client, due_date=at(days=-1))
    if reason == "inactive":
        superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s", (company_id,))
    if reason == "suspended":
        superuser.execute("UPDATE company_refs SET status = 'suspended' WHERE company_id = %s", (company_id,))
    assert begin_digests(database, Flag()) == (1 if reason == "nothing" else 0)
    assert send() == []


def test_a_digest_that_waited_too_long_is_withdrawn(client, wants, create, database, *, send, statuses, superuser):
    wants(**due_now())
    create(client, due_date=at(days=-1))
    assert begin_digests(database, Flag()) == 1
    superuser.execute("UPDATE digests SET due_at = now() - interval '181 minutes'")
    assert (send(), statuses()) == ([], ["withdrawn"])
    superuser.execute("UPDATE digests SET due_at = now() - interval '31 days'")
    forget_digests(database, Flag())
    assert superuser.execute("SELECT count(*) FROM digests").fetchone() == (0,)


KILLED = """
    import os, signal, sys
    from threading import Event
    from chassis.db.session import Database
    from chassis.mail import make_mailer, send_letters
    from tasks.commands import digests, letters
    from tasks.models import MAILS

    database, place = Database(sys.argv[1]), sys.argv[3]
    die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    if place == "before the letter is posted":
        digests.post_digest = die
    if place == "before it leaves":
        send_letters(database, make_mailer(sys.argv[2], "CRM <crm@crm.example>"), MAILS, prepare=die)
    if place == "after it left":
        MAILS.__class__.settle = die
        make = lambda session, letter: letters.make_letter(session, letter, "https://crm.example")
        send_letters(database, make_mailer(sys.argv[2], "CRM <crm@crm.example>"), MAILS, prepare=make)
    digests.begin_digests(database, Event())
"""


@pytest.mark.parametrize("place", ["before the letter is posted", "before it leaves", "after it left"])
def test_a_worker_that_is_killed_loses_no_digest_and_makes_no_second(
    place, client, wants, create, *, database, urls, send, tmp_path, superuser, statuses, until_released, programs
):
    """A letter that left and was not noted is written again under the same name, with the same Message-ID."""
    wants(**due_now())
    create(client, due_date=at(days=-1))
    if place != "before the letter is posted":
        assert begin_digests(database, Flag()) == 1
    folder = tmp_path / "mail"
    killed = programs.run("-c", textwrap.dedent(KILLED), urls.app, folder.as_uri(), place)
    assert killed.returncode == -signal.SIGKILL
    until_released()
    left = [path.name for path in folder.glob("*.eml")] if folder.exists() else []
    assert len(left) == (1 if place == "after it left" else 0)
    begin_digests(database, Flag())
    superuser.execute("UPDATE mails SET next_attempt_at = now() WHERE status = 'pending'")
    send()
    assert len(list(folder.glob("*.eml"))) == 1
    assert statuses() == ["sent"]
