"""Letters by SMTP (RFC 5321): plain, with STARTTLS, or over TLS from the start."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address

from chassis.mail.letters import Carrier, Letter, NotSentError, compose, reason_of

TIMEOUT_SECONDS = 10.0
PORTS = {"starttls": 587, "tls": 465, "none": 25}
_FOR_GOOD = 500
# Replies that say something of us and not of the recipient: sign in first, use TLS, wrong password.
_OUR_FAULT = (530, 534, 535, 538)
_STATUS = re.compile(rb"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, and who we are to it."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)


class SmtpMailer:
    """Sends the letters of a turn over one connection."""

    def __init__(self, sender: Address, server: Server) -> None:
        self._sender = sender
        self._server = server

    @contextmanager
    def open(self) -> Iterator[Carrier]:
        """Connect and sign in. With TLS the server's certificate is held against the system's authorities."""
        try:
            connection = self._connect()
        except smtplib.SMTPResponseException as error:
            raise NotSentError(_reply(error.smtp_code, error.smtp_error), away=True) from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(reason_of(error), away=True) from None
        try:
            yield SmtpCarrier(connection, self._sender)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        # The name to greet with is given, because finding out one's own may mean to wait for a name server.
        name = self._sender.domain
        context = ssl.create_default_context()
        if server.tls == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=name, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=TIMEOUT_SECONDS)
        try:
            if server.tls == "starttls":
                connection.starttls(context=context)
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


class SmtpCarrier:
    """An open connection to a mail server."""

    def __init__(self, connection: smtplib.SMTP, sender: Address) -> None:
        self._connection = connection
        self._sender = sender

    def carry(self, letter: Letter) -> None:
        """Send a letter; it has gone when the server has answered to its last line."""
        message = compose(self._sender, letter)
        try:
            self._connection.send_message(message, self._sender.addr_spec, [letter.recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = error.recipients[letter.recipient]
            raise NotSentError(_reply(code, text), for_good=_is_for_good(code, text)) from None
        except smtplib.SMTPResponseException as error:
            # The server has spoken, but of us, of the text or of its disk, and not of this recipient.
            raise NotSentError(_reply(error.smtp_code, error.smtp_error)) from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(reason_of(error), away=True) from None


def _is_for_good(code: int, text: bytes | str) -> bool:
    """Whether no later attempt can succeed, because there is no such mailbox.

    What is refused for reasons of policy (X.7.X, RFC 3463, 3.8), such as relaying, is ours to mend; the letter waits.
    """
    return code >= _FOR_GOOD and code not in _OUR_FAULT and not _status(text).startswith("5.7.")


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {_status(text)}".strip()


def _status(text: bytes | str) -> str:
    """The enhanced status code of a reply (RFC 2034), or nothing."""
    found = _STATUS.match(text if isinstance(text, bytes) else text.encode())
    return found[1].decode() if found else ""
