"""Letters, the messages that they become, and what every way of sending them offers."""

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that is to be sent now; `attempts` counts this one."""

    company_id: int
    id: int
    recipient: str
    subject: str
    body: str
    attempts: int
    # What its Message-ID is made from, where the text is not the same in each attempt.
    seed: str = ""

    @property
    def mark(self) -> str:
        """The same for each attempt, so that a letter sent twice is recognised; made from what nobody can guess."""
        made_from = f"{self.id}\0{self.recipient}\0{self.seed or self.body}"
        return hashlib.sha256(made_from.encode()).hexdigest()[:32]


class NotSentError(Exception):
    """A letter was not taken: not now, or `for_good`; `away` where the next one would fare no better.

    `reason` quotes no text of a server, which might quote the letter, and with it the secret in it.
    """

    def __init__(self, reason: str, *, for_good: bool = False, away: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good
        self.away = away


class Carrier(Protocol):
    """An open connection that takes letters."""

    def carry(self, letter: Letter) -> None:
        """Hand a letter over. Raises NotSentError."""


class Mailer(Protocol):
    """A way for letters."""

    def open(self) -> AbstractContextManager[Carrier]:
        """Connect, and hang up in the end. Raises NotSentError."""


def compose(sender: Address, letter: Letter, *, encoding: str | None = None) -> EmailMessage:
    """The message of a letter, in plain text.

    Raises NotSentError where a header would hold a line break, which the email package refuses, or where the recipient
    is not one address: nothing that somebody chose as their name becomes a header (RFC 5322, 2.2).
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = Address(addr_spec=letter.recipient)
        message["Subject"] = letter.subject
    except (ValueError, HeaderParseError, IndexError):
        raise NotSentError("malformed", for_good=True) from None
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{letter.mark}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body, cte=encoding)
    return message


def reason_of(error: Exception) -> str:
    """What went wrong before a server had an answer, in words of the operating system."""
    words = getattr(error, "strerror", None)
    return type(error).__name__ if not words else f"{type(error).__name__}: {words}"
