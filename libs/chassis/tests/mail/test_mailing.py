"""Letters on their way: through a real SMTP server or into files; late, twice at worst, never lost, never forged."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg import sql
from sqlalchemy import text

from chassis.context import Context, acting_as, tenant
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared
from chassis.mail import Letter, MailJobs, make_mailer, send_letters, sending
from chassis.mail.mails import MOST_ATTEMPTS, delay
from chassis.mail.sending import LEASE_SECONDS
from chassis.testing.referring import MAILS

SENDER = "CRM <crm@crm.example>"


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("crm_mails_total", {"result": result}) or 0.0


def test_a_letter_is_sent_and_its_text_forgotten(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any
) -> None:
    serve()
    mail_id, before = post(body="Hello J\u00fcrgen,\n\nhttp://127.0.0.1/x#token=abc=\n"), counted("sent")
    assert send_letters(database, plain, MAILS) == 1
    (message,), (envelope,) = inbox.messages(), inbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("crm@crm.example", ["ann@acme.example"])
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, "ann@acme.example", "Hello")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@crm.example>")
    assert abs(message["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)
    assert message.get_content().splitlines() == ["Hello J\u00fcrgen,", "", "http://127.0.0.1/x#token=abc="]
    assert stored(mail_id)[:4] == ("sent", None, 1, None)
    assert counted("sent") == before + 1
    assert send_letters(database, plain, MAILS) == 0


def test_a_letter_that_was_rolled_back_is_not_sent(
    database: Database, post: Any, serve: Any, plain: Any, inbox: Any
) -> None:
    serve()
    post()

    def fail() -> None:
        with database.transaction() as session, acting_as(Context(company_id=1)):
            MAILS.post(session, recipient="ben@acme.example", subject="x", body="x")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert send_letters(database, plain, MAILS) == 1
    assert inbox.taken[0].rcpt_tos == ["ann@acme.example"]


def test_one_connection_carries_all_letters_of_a_turn(
    database: Database, post: Any, serve: Any, plain: Any, inbox: Any
) -> None:
    serve()
    for number in range(5):
        post(f"ann-{number}@acme.example")
    assert send_letters(database, plain, MAILS) == 5
    assert len({envelope.rcpt_tos[0] for envelope in inbox.taken}) == 5


def test_while_the_server_is_down_letters_wait_and_then_they_go(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any, due: Any
) -> None:
    first, second, before = post(), post("ben@acme.example"), counted("put_off")
    assert send_letters(database, plain, MAILS) == 0
    status, body, attempts, error, seconds = stored(first)
    assert (status, body, attempts) == ("pending", "A secret link\n", 1)
    assert error == "ConnectionRefusedError: Connection refused"
    assert 25 < seconds <= 30
    # One attempt a turn finds out that the server is away; the other letter has not been tried.
    assert stored(second)[2] == 0
    assert counted("put_off") == before + 1
    serve()
    due()
    assert send_letters(database, plain, MAILS) == 2
    assert len(inbox.taken) == 2
    assert stored(first)[:4] == ("sent", None, 2, None)


def test_a_process_that_dies_after_sending_sends_again_when_its_lease_is_over(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any, due: Any
) -> None:
    serve()
    mail_id = post()
    with database.transaction() as session:
        letter = MAILS.claim(session, LEASE_SECONDS)
    assert letter is not None
    with plain.open() as carrier:
        carrier.carry(letter)
    # It is dead before it could note that. Nobody else takes the letter while the lease runs.
    assert send_letters(database, plain, MAILS) == 0
    assert stored(mail_id)[4] > LEASE_SECONDS - 20
    due()
    assert send_letters(database, plain, MAILS) == 1
    one, two = inbox.messages()
    assert one["Message-ID"] == two["Message-ID"]
    assert stored(mail_id)[0] == "sent"


def test_an_attempt_that_was_overtaken_settles_nothing(
    *, database: Database, post: Any, serve: Any, plain: Any, stored: Any, due: Any
) -> None:
    serve()
    mail_id = post()
    with database.transaction() as session:
        late = MAILS.claim(session, LEASE_SECONDS)
    due()
    assert send_letters(database, plain, MAILS) == 1
    assert late is not None
    with database.transaction() as session:
        MAILS.settle(session, late, "pending", error="too late", retry_seconds=30)
    assert stored(mail_id)[:4] == ("sent", None, 2, None)


@pytest.mark.parametrize("reply", ["550 5.1.1 no such mailbox <ann@acme.example>", "553 mailbox name not allowed"])
def test_a_mailbox_that_does_not_exist_is_given_up_at_once(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any, reply: str
) -> None:
    serve()
    inbox.to_recipients = reply
    mail_id, before = post(), counted("given_up")
    assert send_letters(database, plain, MAILS) == 0
    assert stored(mail_id)[:4] == ("failed", None, 1, "550 5.1.1" if "5.1.1" in reply else "553")
    assert counted("given_up") == before + 1


@pytest.mark.parametrize(
    ("recipients", "texts", "error"),
    [
        ("450 4.2.1 try later", "250 OK", "450 4.2.1"),
        ("550 5.7.1 relaying denied", "250 OK", "550 5.7.1"),
        ("530 authentication required", "250 OK", "530"),
        ("250 OK", "452 4.3.1 disk full", "452 4.3.1"),
        ("250 OK", "554 5.6.0 looks like http://127.0.0.1/x#token=abc", "554 5.6.0"),
    ],
)
def test_what_may_be_mended_is_tried_again_and_no_text_of_the_server_is_kept(
    *,
    database: Database,
    post: Any,
    serve: Any,
    plain: Any,
    inbox: Any,
    stored: Any,
    due: Any,
    recipients: str,
    texts: str,
    error: str,
) -> None:
    serve()
    inbox.to_recipients, inbox.to_texts = recipients, texts
    mail_id = post()
    delays = []
    for _ in range(3):
        due()
        assert send_letters(database, plain, MAILS) == 0
        status, body, _, last_error, seconds = stored(mail_id)
        assert (status, body, last_error) == ("pending", "A secret link\n", error)
        delays.append(seconds)
    assert [delay == pytest.approx(wanted, abs=5) for delay, wanted in zip(delays, (30, 60, 120), strict=True)] == [
        True
    ] * 3
    inbox.to_recipients = inbox.to_texts = "250 OK"
    due()
    assert send_letters(database, plain, MAILS) == 1


def test_a_refused_letter_does_not_hold_up_the_next(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any
) -> None:
    serve()
    bad, good = post("ben@acme.example"), post()
    inbox.unwelcome = "ben@acme.example"
    assert send_letters(database, plain, MAILS) == 1
    assert (stored(bad)[0], stored(good)[0]) == ("pending", "sent")


def test_after_two_days_a_letter_is_given_up_and_its_text_gone(
    *,
    database: Database,
    post: Any,
    plain: Any,
    stored: Any,
    due: Any,
    superuser: psycopg.Connection,
    capfd: pytest.CaptureFixture[str],
) -> None:
    mail_id = post()
    superuser.execute("UPDATE mails SET attempts = 16 WHERE id = %s", (mail_id,))
    assert send_letters(database, plain, MAILS) == 0
    status, _, _, _, seconds = stored(mail_id)
    assert status == "pending"
    assert 5.9 < seconds / 3600 <= 6
    due()
    assert send_letters(database, plain, MAILS) == 0
    assert stored(mail_id)[:2] == ("failed", None)
    logged = "".join(capfd.readouterr())
    assert "mail_given_up" in logged
    assert "acme.example" not in logged
    assert "secret" not in logged


def test_a_turn_ends_so_that_other_jobs_get_theirs(
    database: Database, post: Any, serve: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    post()
    monkeypatch.setattr(sending, "TURN_SECONDS", 0.0)
    assert send_letters(database, plain, MAILS) == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("recipient", "ann@acme.example\r\nBcc: eve@evil.example"),
        ("recipient", "ann@acme.example, eve@evil.example"),
        ("recipient", "ann@acme.example> SIZE=1\r\nRCPT TO:<eve@evil.example"),
        ("recipient", "nobody"),
        ("recipient", ""),
        ("subject", "Hello\r\nBcc: eve@evil.example"),
        ("subject", "Hello\n\nA text of my own"),
    ],
)
def test_no_row_becomes_a_header(
    *,
    database: Database,
    post: Any,
    serve: Any,
    plain: Any,
    inbox: Any,
    stored: Any,
    superuser: psycopg.Connection,
    column: str,
    value: str,
) -> None:
    """Even what the command would have refused to write."""
    serve()
    mail_id = post()
    change = sql.SQL("UPDATE mails SET {} = %s WHERE id = %s").format(sql.Identifier(column))
    superuser.execute(change, (value, mail_id))
    assert send_letters(database, plain, MAILS) == 0
    assert inbox.taken == []
    assert stored(mail_id)[:4] == ("failed", None, 1, "malformed")


def test_a_subject_is_one_line_whatever_is_in_it(
    database: Database, post: Any, serve: Any, plain: Any, inbox: Any
) -> None:
    serve()
    post(subject="Join\r\nBcc: eve@evil.example\x0b\u2028 K\u00f6ln " + "x" * 300)
    assert send_letters(database, plain, MAILS) == 1
    (message,) = inbox.messages()
    assert message["Subject"].startswith("Join Bcc: eve@evil.example K\u00f6ln xxx")
    assert "Bcc" not in message
    assert inbox.taken[0].rcpt_tos == ["ann@acme.example"]


@pytest.mark.parametrize(
    "recipient", ["ann@acme.example\n", "ann@acme.example,eve@evil.example", "Ann <ann@acme.example>", "ann", " ", ""]
)
def test_a_letter_goes_to_one_address(post: Any, recipient: str) -> None:
    with pytest.raises(ValueError, match="one e-mail address"):
        post(recipient)


def test_letters_become_files_that_nobody_else_reads(
    database: Database, post: Any, stored: Any, due: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "mail"
    mailer = make_mailer(folder.as_uri(), SENDER)
    assert mailer is not None
    mail_id = post(body="Hello J\u00fcrgen,\n\nhttp://127.0.0.1/x#token=abc=\n")
    assert send_letters(database, mailer, MAILS) == 1
    (path,) = folder.iterdir()
    assert path.suffix == ".eml"
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "http://127.0.0.1/x#token=abc=\n" in path.read_text()
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert message["To"] == "ann@acme.example"
    assert message.get_content() == "Hello J\u00fcrgen,\n\nhttp://127.0.0.1/x#token=abc=\n"
    assert stored(mail_id)[0] == "sent"


def test_a_folder_that_cannot_be_written_is_a_server_that_is_away(
    database: Database, post: Any, stored: Any, tmp_path: Path
) -> None:
    (tmp_path / "mail").write_text("a file")
    mailer = make_mailer((tmp_path / "mail").as_uri(), SENDER)
    assert mailer is not None
    mail_id = post()
    assert send_letters(database, mailer, MAILS) == 0
    assert stored(mail_id)[:4] == ("pending", "A secret link\n", 1, "FileExistsError: File exists")


def test_letters_are_tried_ever_more_rarely_for_two_days() -> None:
    delays = [delay(attempts) for attempts in range(1, MOST_ATTEMPTS)]
    assert delays[:4] == [30, 60, 120, 240]
    assert delays[-1] == 6 * 3600
    waited = timedelta(seconds=sum(seconds or 0 for seconds in delays))
    assert timedelta(days=2) <= waited <= timedelta(days=2, hours=6)
    assert delay(MOST_ATTEMPTS) is None


def test_a_letter_is_made_ready_when_it_leaves_and_keeps_its_id(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any, due: Any, company_id: int
) -> None:
    serve()
    mail_id = post(body="a seed")
    inbox.to_texts = "452 4.3.1 disk full"
    seen = []

    def prepare(session: Session, letter: Letter) -> Letter:
        seen.append((letter.company_id, letter.id, tenant(), session.in_transaction()))
        return replace(letter, subject="Now", body=f"Attempt {letter.attempts}\n", seed=letter.body)

    assert send_letters(database, plain, MAILS, prepare=prepare) == 0
    inbox.to_texts = "250 OK"
    due()
    assert send_letters(database, plain, MAILS, prepare=prepare) == 1
    assert seen == [(company_id, mail_id, company_id, True)] * 2
    (message,) = inbox.messages()
    assert (message["Subject"], message.get_content().strip()) == ("Now", "Attempt 2")
    stable = Letter(company_id, mail_id, "ann@acme.example", "x", "a seed", 7)
    assert message["Message-ID"] == f"<{stable.mark}@crm.example>"
    assert stored(mail_id)[:2] == ("sent", None)


def test_a_letter_that_has_nothing_to_say_any_more_is_withdrawn(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any
) -> None:
    serve()
    first, second, before = post(), post("ben@acme.example"), counted("withdrawn")

    def prepare(_: Session, letter: Letter) -> Letter | None:
        return None if letter.id == first else letter

    assert send_letters(database, plain, MAILS, prepare=prepare) == 1
    assert [envelope.rcpt_tos for envelope in inbox.taken] == [["ben@acme.example"]]
    assert stored(first)[:4] == ("withdrawn", None, 1, None)
    assert stored(second)[0] == "sent"
    assert counted("withdrawn") == before + 1


def test_a_letter_that_cannot_be_made_ready_waits_and_holds_up_no_other(
    *, database: Database, post: Any, serve: Any, plain: Any, inbox: Any, stored: Any
) -> None:
    serve()
    first = post()
    post("ben@acme.example")

    def prepare(_: Session, letter: Letter) -> Letter:
        if letter.id == first:
            raise KeyError("ann@acme.example")
        return letter

    assert send_letters(database, plain, MAILS, prepare=prepare) == 1
    assert [envelope.rcpt_tos for envelope in inbox.taken] == [["ben@acme.example"]]
    assert stored(first)[:4] == ("pending", "A secret link\n", 1, "KeyError")


def test_old_letters_are_deleted_and_those_that_wait_are_not(
    database: Database, post: Any, superuser: psycopg.Connection
) -> None:
    old, waits, young = post(), post(), post()
    superuser.execute("UPDATE mails SET status = 'sent', body = NULL WHERE id <> %s", (waits,))
    superuser.execute("UPDATE mails SET updated_at = now() - interval '31 days' WHERE id <> %s", (young,))
    MailJobs(MAILS).purge(database, Flag())
    found = superuser.execute("SELECT id FROM mails WHERE id = ANY (%s) ORDER BY id", ([old, waits, young],))
    assert [row[0] for row in found] == [waits, young]


def test_the_service_reads_no_letter(database: Database, post: Any, company_id: int) -> None:
    post()
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"),
        acting_as(Context(company_id=company_id)),
        database.transaction() as session,
    ):
        session.fetch(Prepared(text("SELECT body FROM mails")))
