"""The tables of identity: companies and users, who belongs where, and all that lets somebody in or keeps them out."""

from identity.models.api_keys import api_keys
from identity.models.companies import companies
from identity.models.invitations import invitations, one_time_tokens
from identity.models.mails import MAILS, mails
from identity.models.members import saved_views, user_companies, user_preferences, users
from identity.models.metadata import metadata
from identity.models.purges import member_purges
from identity.models.security import login_attempts, login_throttles, security_events
from identity.models.sessions import refresh_tokens, revocations, sessions
from identity.models.signing_keys import signing_keys

__all__ = [
    "MAILS",
    "api_keys",
    "companies",
    "invitations",
    "login_attempts",
    "login_throttles",
    "mails",
    "member_purges",
    "metadata",
    "one_time_tokens",
    "refresh_tokens",
    "revocations",
    "saved_views",
    "security_events",
    "sessions",
    "signing_keys",
    "user_companies",
    "user_preferences",
    "users",
]
