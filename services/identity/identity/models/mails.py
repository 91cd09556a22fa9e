"""The outbox of e-mail."""

from sqlalchemy import ForeignKeyConstraint

from chassis.mail import Mails, mails_table
from identity.models.metadata import metadata

mails = mails_table(metadata, ForeignKeyConstraint(["company_id"], ["companies.id"], ondelete="CASCADE"))
MAILS = Mails(mails)
