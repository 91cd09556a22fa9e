"""A real mail server, and letters of the sample service that wait to be sent."""

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.mail import make_mailer
from chassis.testing.referring import MAILS, Referring, referring


@pytest.fixture(scope="module")
def sample(postgres_url: str) -> Iterator[Referring]:
    with referring(postgres_url) as databases:
        yield databases


@pytest.fixture
def database(sample: Referring) -> Database:
    return sample.app


@pytest.fixture
def superuser(sample: Referring) -> Iterator[psycopg.Connection]:
    with closing(psycopg.connect(sample.superuser_url, autocommit=True)) as connection:
        yield connection


@dataclass
class Inbox:
    """What a mail server took, and what it says to recipients and to texts."""

    taken: list[Any] = field(default_factory=list)
    to_recipients: str = "250 OK"
    to_texts: str = "250 OK"
    unwelcome: str = ""

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802  # aiosmtpd's name.
        if address == self.unwelcome:
            return "450 not now"
        if self.to_recipients.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipients

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name.
        if self.to_texts.startswith("250"):
            self.taken.append(envelope)
        return self.to_texts

    def messages(self) -> Any:
        return [email.message_from_bytes(e.content, policy=email.policy.default) for e in self.taken]


@pytest.fixture
def unused_port() -> Any:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def inbox() -> Any:
    return Inbox()


@pytest.fixture
def serve(inbox: Inbox, unused_port: int) -> Any:
    """Start the mail server; keyword arguments are aiosmtpd's."""
    running = []

    def start(**options: Any) -> Any:
        controller = Controller(inbox, hostname="127.0.0.1", port=unused_port, **options)
        controller.start()
        running.append(controller)
        return controller

    yield start
    for controller in running:
        if controller._thread is not None:
            controller.stop()


@pytest.fixture
def plain(unused_port: int) -> Any:
    return make_mailer(f"smtp://127.0.0.1:{unused_port}?tls=none", "CRM <crm@crm.example>")


@pytest.fixture
def post(database: Database, superuser: psycopg.Connection, company_id: int) -> Any:
    """Write a letter; answers its id. The letters of other tests are not sent in this one."""
    superuser.execute("UPDATE mails SET status = 'failed', body = NULL WHERE status = 'pending'")

    def write(recipient: str = "ann@acme.example", subject: str = "Hello", body: str = "A secret link\n") -> Any:
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            MAILS.post(session, recipient=recipient, subject=subject, body=body)
        row = superuser.execute("SELECT max(id) FROM mails").fetchone()
        assert row is not None
        return row[0]

    return write


@pytest.fixture
def stored(superuser: psycopg.Connection) -> Any:
    """What the table says of a letter: status, text, attempts, error, seconds until the next attempt."""

    def read(mail_id: int) -> Any:
        query = (
            "SELECT status, body, attempts, last_error, extract(epoch FROM next_attempt_at - now()) FROM mails"
            " WHERE id = %s"
        )
        return superuser.execute(query, (mail_id,)).fetchone()

    return read


@pytest.fixture
def due(superuser: psycopg.Connection) -> Any:
    """Let the next attempt be due."""
    return lambda: superuser.execute("UPDATE mails SET next_attempt_at = now() WHERE status = 'pending'")
