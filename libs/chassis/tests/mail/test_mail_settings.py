"""MAIL_URL, MAIL_FROM and APP_URL: what is wrong with them is said before anything starts."""

import pytest

from chassis.config import SettingsError
from chassis.mail import MailSettings, make_mailer
from chassis.mail.files import FileMailer
from chassis.mail.smtp import Server, SmtpMailer

SENDER = "CRM <crm@crm.example>"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 587, "starttls", "", "")),
        ("smtp://mail.example?tls=tls", Server("mail.example", 465, "tls", "", "")),
        ("smtp://mail.example?tls=none", Server("mail.example", 25, "none", "", "")),
        ("smtp://mail.example:2525?tls=none", Server("mail.example", 2525, "none", "", "")),
        ("smtp://a%40b:c%2Fd%3A@mail.example:26", Server("mail.example", 26, "starttls", "a@b", "c/d:")),
        ("smtp://a:b@127.0.0.1?tls=none", Server("127.0.0.1", 25, "none", "a", "b")),
        ("smtp://[::1]:26?tls=none", Server("::1", 26, "none", "", "")),
    ],
)
def test_a_mail_server_is_read_from_its_url(url: str, server: Server) -> None:
    mailer = make_mailer(url, SENDER)
    assert isinstance(mailer, SmtpMailer)
    assert mailer._server == server


def test_a_folder_is_read_from_its_url() -> None:
    mailer = make_mailer("file:///var/spool/my%20mail", SENDER)
    assert isinstance(mailer, FileMailer)
    assert str(mailer._folder) == "/var/spool/my mail"


def test_without_a_url_there_is_no_mailer() -> None:
    assert make_mailer("", "") is None


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example?tls=maybe",
        "smtp://mail.example?tls=none&tls2=x",
        "smtp://mail.example?nonsense",
        "smtp://mail.example:port",
        "smtp://mail.example:70000",
        "smtp://a:secret@mail.example?tls=none",
        "file://",
        "file:///",
        "file://host/folder",
        "file:///folder?x=1",
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="MAIL_URL") as caught:
        make_mailer(url, SENDER)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        ("crm@crm.example", "crm@crm.example"),
        ("CRM <crm@crm.example>", "CRM <crm@crm.example>"),
        ('"The CRM, really" <crm@crm.example>', '"The CRM, really" <crm@crm.example>'),
    ],
)
def test_a_sender_may_have_a_name(sender: str, shown: str) -> None:
    mailer = make_mailer("smtp://mail.example", sender)
    assert isinstance(mailer, SmtpMailer)
    assert str(mailer._sender) == shown


@pytest.mark.parametrize("sender", ["", "crm", "CRM <>", "a@b.example\nBcc: c@d.example", "a@b.example, c@d.example"])
def test_a_sender_that_is_none_is_refused(sender: str) -> None:
    with pytest.raises(SettingsError, match="MAIL_FROM"):
        make_mailer("smtp://mail.example", sender)


def test_no_password_shows_in_a_trace() -> None:
    assert "secret" not in repr(Server("mail.example", 587, "starttls", "crm", "secret"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAIL_URL", "smtp:///"), ("MAIL_FROM", "nobody"), ("APP_URL", "javascript:alert(1)"), ("APP_URL", "http://a\n")],
)
def test_a_process_does_not_start_with_settings_that_no_letter_could_be_sent_with(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    good = {
        "DATABASE_URL": "postgresql://",
        "MAIL_URL": "smtp://mail.example",
        "MAIL_FROM": SENDER,
        "APP_URL": "https://crm.example",
    }
    for key, text in good.items():
        monkeypatch.setenv(key, text)
    assert MailSettings.from_environment().mailer() is not None
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        MailSettings.from_environment()
