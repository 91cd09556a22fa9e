"""Every event that identity publishes."""

from chassis.events import EventType

SOURCE = "identity"

COMPANY_CREATED = EventType("company", "created", table="companies")
COMPANY_UPDATED = EventType("company", "updated", table="companies")
COMPANY_SUSPENDED = EventType("company", "suspended", table="companies")
COMPANY_ACTIVATED = EventType("company", "activated", table="companies")
COMPANY_PURGED = EventType("company", "purged", table="companies")
USER_CREATED = EventType("user", "created", table="users")
USER_UPDATED = EventType("user", "updated", table="users")
USER_SIGNED_IN = EventType("user", "signed_in", table="users")
USER_VERIFIED = EventType("user", "verified", table="users")
USER_PASSWORD_CHANGED = EventType("user", "password_changed", table="users")
USER_PURGED = EventType("user", "purged", table="users")
USER_COMPANY_CREATED = EventType("user_company", "created", table="user_companies")
USER_COMPANY_UPDATED = EventType("user_company", "updated", table="user_companies")
USER_COMPANY_SUSPENDED = EventType("user_company", "suspended", table="user_companies")
USER_COMPANY_ACTIVATED = EventType("user_company", "activated", table="user_companies")
USER_COMPANY_DEACTIVATED = EventType("user_company", "deactivated", table="user_companies")
USER_COMPANY_REMOVED = EventType("user_company", "removed", table="user_companies")
USER_COMPANY_PURGED = EventType("user_company", "purged", table="user_companies")
INVITATION_CREATED = EventType("invitation", "created", table="invitations")
INVITATION_RESENT = EventType("invitation", "resent", table="invitations")
INVITATION_WITHDRAWN = EventType("invitation", "withdrawn", table="invitations")
INVITATION_ACCEPTED = EventType("invitation", "accepted", table="invitations")
API_KEY_CREATED = EventType("api_key", "created", table="api_keys")
API_KEY_REVOKED = EventType("api_key", "revoked", table="api_keys")
SAVED_VIEW_CREATED = EventType("saved_view", "created", table="saved_views")
SAVED_VIEW_UPDATED = EventType("saved_view", "updated", table="saved_views")
SAVED_VIEW_DELETED = EventType("saved_view", "deleted", table="saved_views")
USER_PREFERENCES_CREATED = EventType("user_preferences", "created", table="user_preferences")
USER_PREFERENCES_UPDATED = EventType("user_preferences", "updated", table="user_preferences")
USER_PREFERENCES_DELETED = EventType("user_preferences", "deleted", table="user_preferences")
SECURITY_EVENT_RECORDED = EventType("security_event", "recorded", table="security_events")

PUBLISHED = (
    COMPANY_CREATED,
    COMPANY_UPDATED,
    COMPANY_SUSPENDED,
    COMPANY_ACTIVATED,
    COMPANY_PURGED,
    USER_CREATED,
    USER_UPDATED,
    USER_SIGNED_IN,
    USER_VERIFIED,
    USER_PASSWORD_CHANGED,
    USER_PURGED,
    USER_COMPANY_CREATED,
    USER_COMPANY_UPDATED,
    USER_COMPANY_SUSPENDED,
    USER_COMPANY_ACTIVATED,
    USER_COMPANY_DEACTIVATED,
    USER_COMPANY_REMOVED,
    USER_COMPANY_PURGED,
    INVITATION_CREATED,
    INVITATION_RESENT,
    INVITATION_WITHDRAWN,
    INVITATION_ACCEPTED,
    API_KEY_CREATED,
    API_KEY_REVOKED,
    SAVED_VIEW_CREATED,
    SAVED_VIEW_UPDATED,
    SAVED_VIEW_DELETED,
    USER_PREFERENCES_CREATED,
    USER_PREFERENCES_UPDATED,
    USER_PREFERENCES_DELETED,
    SECURITY_EVENT_RECORDED,
)
