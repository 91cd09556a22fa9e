"""What a record shows of itself: in answers, in events and in the audit log. No secret is in any of them."""

from typing import Any

from sqlalchemy import func, literal_column, select

from chassis.db.json_view import JsonView
from identity.models import (
    api_keys,
    companies,
    invitations,
    saved_views,
    security_events,
    user_companies,
    user_preferences,
    users,
)

COMPANY = JsonView(
    companies,
    (
        "id",
        "version",
        "name",
        "logo",
        "email",
        "phone",
        "address",
        "city",
        "state",
        "country",
        "zip_code",
        "website",
        "industry",
        "company_size",
        "status",
        "subscription_plan",
        "subscription_start",
        "subscription_end",
        "default_currency",
        "time_zone",
        "region",
        "settings",
        "created_at",
        "updated_at",
    ),
)

# Without password_hash and token_epoch: what this view shows is answered, published and audited.
USER = JsonView(
    users,
    (
        "id",
        "version",
        "email",
        "first_name",
        "last_name",
        "name",
        "phone",
        "avatar",
        "role",
        "is_active",
        "is_verified",
        "last_login",
        "created_at",
        "updated_at",
    ),
    extra=[(users.c.first_name + " " + users.c.last_name).label("name")],
)

# Without its token, which is in the letter alone.
INVITATION = JsonView(
    invitations,
    (
        "id",
        "company_id",
        "version",
        "email",
        "role",
        "permissions",
        "status",
        "invited_by",
        "accepted_by",
        "expires_at",
        "sent_at",
        "decided_at",
        "created_at",
        "updated_at",
    ),
)

# Without secret_hash. `session_id` is in the key's access tokens, so that a denial in the audit log leads to the key.
API_KEY = JsonView(
    api_keys,
    (
        "id",
        "company_id",
        "version",
        "name",
        "prefix",
        "scopes",
        "user_id",
        "session_id",
        "expires_at",
        "last_used_at",
        "revoked_at",
        "created_at",
        "updated_at",
    ),
    extra=[api_keys.c.sid.label("session_id")],
)

SAVED_VIEW = JsonView(
    saved_views,
    (
        "id",
        "company_id",
        "version",
        "user_id",
        "screen",
        "name",
        "query",
        "columns",
        "shared",
        "created_at",
        "updated_at",
    ),
)

USER_PREFERENCES = JsonView(
    user_preferences, ("id", "company_id", "version", "user_id", "settings", "created_at", "updated_at")
)

SECURITY_EVENT = JsonView(
    security_events, ("id", "company_id", "version", "kind", "user_id", "detail", "created_at", "updated_at")
)

_PROFILE = ("first_name", "last_name", "email", "phone", "avatar", "is_active", "is_verified")
_pairs: Any = ((literal_column(f"'{name}'"), users.c[name]) for name in _PROFILE)

# What events of a membership show. They tell the other services whom it is about, because these keep references to the
# users of a company and hear of them by no other event that is sure to carry this company's id.
USER_COMPANY = JsonView(
    user_companies,
    (
        "id",
        "company_id",
        "version",
        "user_id",
        "role",
        "is_primary",
        "permissions",
        "status",
        "transfer_plan",
        "joined_at",
        "created_at",
        "updated_at",
        "user",
    ),
    extra=[
        select(func.json_build_object(*(part for pair in _pairs for part in pair)))
        .where(users.c.id == user_companies.c.user_id)
        .correlate(user_companies)
        .scalar_subquery()
        .label("user")
    ],
)
