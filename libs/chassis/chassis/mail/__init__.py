"""Letters of a service: written with what they tell of, sent by its worker, by SMTP or as files.

A service declares `mails = mails_table(metadata, …)` and `MAILS = Mails(mails)` in its models, closes the table with
`chassis.db.migrations.protect_mails`, posts with `MAILS.post`, takes `MailSettings` for its settings, and has its
worker run `MailJobs(MAILS).send` and `.purge`.
"""

from chassis.mail.jobs import MailJobs
from chassis.mail.letters import Carrier, Letter, Mailer, NotSentError
from chassis.mail.mails import Mails, as_name, is_address, link, mails_table, one_line
from chassis.mail.sending import send_letters
from chassis.mail.settings import MailSettings, make_mailer

__all__ = [
    "Carrier",
    "Letter",
    "MailJobs",
    "MailSettings",
    "Mailer",
    "Mails",
    "NotSentError",
    "as_name",
    "is_address",
    "link",
    "mails_table",
    "make_mailer",
    "one_line",
    "send_letters",
]
