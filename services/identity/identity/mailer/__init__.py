"""How letters leave: by SMTP, or as files for who has no mail server."""

from identity.mailer.letters import Carrier, Letter, Mailer, NotSentError
from identity.mailer.settings import make_mailer

__all__ = ["Carrier", "Letter", "Mailer", "NotSentError", "make_mailer"]
