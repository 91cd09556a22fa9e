"""Letters over TLS: to a server that proves who it is, with a password that nobody overhears, or not at all."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from chassis.db.session import Database
from chassis.mail import make_mailer, send_letters
from chassis.testing.certificates import make_certificate
from chassis.testing.referring import MAILS

SENDER = "CRM <crm@crm.example>"


@pytest.fixture
def certificate(tmp_path: Path) -> Any:
    """A certificate that signs itself, and a server's context with it."""
    path = make_certificate(tmp_path / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


def knows_one_pair(*given: Any) -> AuthResult:
    """An authenticator of aiosmtpd's; what was given comes last."""
    return AuthResult(success=(given[-1].login, given[-1].password) == (b"crm", b"p@ss/word"), handled=False)


@pytest.mark.parametrize("password", ["p%40ss%2Fword", "wrong"])
def test_starttls_verifies_the_server_and_then_signs_in(
    *,
    database: Database,
    post: Any,
    serve: Any,
    inbox: Any,
    stored: Any,
    unused_port: int,
    certificate: Any,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
) -> None:
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    serve(tls_context=context, require_starttls=True, auth_required=True, authenticator=knows_one_pair)
    mailer = make_mailer(f"smtp://crm:{password}@localhost:{unused_port}", SENDER)
    mail_id = post()
    sent = send_letters(database, mailer, MAILS)
    if password == "wrong":
        assert (sent, inbox.taken) == (0, [])
        assert stored(mail_id)[:4] == ("pending", "A secret link\n", 1, "535 5.7.8")
    else:
        assert (sent, len(inbox.taken)) == (1, 1)


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_server_that_cannot_prove_who_it_is_gets_no_letter(
    *,
    database: Database,
    post: Any,
    serve: Any,
    inbox: Any,
    stored: Any,
    unused_port: int,
    certificate: Any,
    way: str,
) -> None:
    serve(**{"tls_context" if way == "starttls" else "ssl_context": certificate[1]})
    mailer = make_mailer(f"smtp://localhost:{unused_port}?tls={way}", SENDER)
    mail_id = post()
    assert send_letters(database, mailer, MAILS) == 0
    assert inbox.taken == []
    assert stored(mail_id)[3].startswith("SSLCertVerificationError")


def test_tls_from_the_start(
    *,
    database: Database,
    post: Any,
    serve: Any,
    inbox: Any,
    unused_port: int,
    certificate: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    serve(ssl_context=context)
    mailer = make_mailer(f"smtp://localhost:{unused_port}?tls=tls", SENDER)
    post()
    assert send_letters(database, mailer, MAILS) == 1
    assert len(inbox.taken) == 1


def test_a_server_without_starttls_gets_no_letter_in_clear(
    *, database: Database, post: Any, serve: Any, inbox: Any, stored: Any, unused_port: int
) -> None:
    serve()
    mailer = make_mailer(f"smtp://127.0.0.1:{unused_port}", SENDER)
    mail_id = post()
    assert send_letters(database, mailer, MAILS) == 0
    assert inbox.taken == []
    assert stored(mail_id)[3] == "SMTPNotSupportedError"
