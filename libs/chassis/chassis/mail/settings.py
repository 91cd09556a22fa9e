"""From MAIL_URL and MAIL_FROM to a mailer; whatever is wrong with them is said before the process starts."""

from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from chassis.config import Settings, SettingsError
from chassis.mail.files import FileMailer
from chassis.mail.letters import Mailer
from chassis.mail.smtp import PORTS, Server, SmtpMailer

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_EXPECTED = "MAIL_URL is neither smtp://user:password@host:port?tls=starttls|tls|none nor file:///folder"


@dataclass(frozen=True, kw_only=True)
class MailSettings(Settings):
    """What a service that sends letters is told beyond what every service is."""

    mail_url: str = ""
    mail_from: str = ""
    app_url: str = "http://127.0.0.1:8080"

    @classmethod
    def from_environment(cls, *, required: tuple[str, ...] = ()) -> Self:
        """As every service's, and refuses MAIL_URL, MAIL_FROM and APP_URL that no letter could be sent with."""
        settings = super().from_environment(required=required)
        settings.mailer()
        if not settings.app_url.startswith(("http://", "https://")) or not settings.app_url.isprintable():
            raise SettingsError(["APP_URL is no URL that begins with http:// or https://"])
        return settings

    def mailer(self) -> Mailer | None:
        """The way for letters; None where none is set, and letters wait. Raises SettingsError."""
        return make_mailer(self.mail_url, self.mail_from)


def make_mailer(url: str, sender: str) -> Mailer | None:
    """The mailer of these settings; None where no URL is set. Raises SettingsError."""
    if not url:
        return None
    address = _address(sender)
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        port = parts.port
    except ValueError:
        raise SettingsError([_EXPECTED]) from None
    if parts.scheme == "file" and not parts.netloc and parts.path.strip("/") and not options:
        return FileMailer(address, Path(unquote(parts.path)))
    tls = options.pop("tls", "starttls")
    if parts.scheme != "smtp" or not parts.hostname or tls not in PORTS or options:
        raise SettingsError([_EXPECTED])
    server = Server(
        parts.hostname, port or PORTS[tls], tls, unquote(parts.username or ""), unquote(parts.password or "")
    )
    if tls == "none" and server.password and server.host not in LOOPBACK:
        raise SettingsError(["MAIL_URL would send a password in clear; it needs tls=starttls or tls=tls"])
    return SmtpMailer(address, server)


def _address(text: str) -> Address:
    """`address` or `Name <address>`. Raises SettingsError."""
    name, bracket, rest = text.rpartition("<")
    try:
        address = Address(name.strip(' "'), addr_spec=(rest.removesuffix(">") if bracket else text).strip())
    except (ValueError, HeaderParseError, IndexError):
        address = Address()
    if not address.domain or not address.username or not text.isprintable():
        raise SettingsError(["MAIL_FROM is no sender, such as CRM <crm@company.example>"])
    return address
