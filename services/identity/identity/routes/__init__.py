"""The HTTP routes of identity, by noun."""

from identity.routes import (
    api_keys,
    auth,
    companies,
    emails,
    internal,
    invitations,
    keys,
    members,
    memberships,
    passwords,
    revocations,
    saved_views,
    sessions,
    tokens,
    users,
)

BLUEPRINTS = (
    auth.blueprint,
    memberships.blueprint,
    companies.blueprint,
    users.blueprint,
    members.blueprint,
    invitations.blueprint,
    sessions.blueprint,
    saved_views.blueprint,
    passwords.blueprint,
    emails.blueprint,
    keys.blueprint,
    revocations.blueprint,
    internal.blueprint,
    api_keys.blueprint,
    tokens.blueprint,
)
