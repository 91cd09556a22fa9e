"""API keys, and what they are exchanged for."""

from marshmallow import EXCLUDE, fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import ID_RANGE, InSchema, Items, OutSchema, Text, Timestamp
from identity.rules import API_KEY_LIFE, KEY_SCOPES, LONGEST_API_KEY_LIFE
from identity.views import API_KEY

MOST_SCOPES = 50
_EXPIRES = f"Within {LONGEST_API_KEY_LIFE.days} days; {API_KEY_LIFE.days} days from now if it is not given."
_SCOPES = f"Among those that the caller holds: {', '.join(sorted(KEY_SCOPES))}. None means that the key may do nothing."


class ApiKeyIn(InSchema):
    """A key to be made."""

    name = Text(required=True, shortest=1, longest=100)
    scopes = Items(Text(longest=50), required=True, most=MOST_SCOPES, metadata={"description": _SCOPES})
    expires_at = fields.AwareDateTime(metadata={"description": _EXPIRES})


class ApiKeyOut(RecordSchema, view=API_KEY):
    """An API key; its secret is nowhere to be read."""

    prefix = fields.String(
        required=True,
        validate=validate.Length(max=20),
        metadata={"description": "What a key begins with, after `crm_`."},
    )
    scopes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What the key may do while its member may; empty means nothing."},
    )
    user_id = fields.Integer(
        required=True, validate=ID_RANGE, metadata={"description": "The member for whom the key acts."}
    )
    session_id = fields.UUID(required=True, metadata={"description": "The session of all of its access tokens."})
    last_used_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "To the minute; it does not change the version."}
    )


class NewApiKeyOut(ApiKeyOut):
    """A new API key with its secret, shown this once."""

    key = fields.String(required=True, metadata={"description": "The whole key. Nobody can show it again."})


class TokenIn(InSchema):
    """OAuth 2.0 client credentials (RFC 6749, 4.4.2); client_id and client_secret may come by HTTP Basic instead."""

    class Meta:  # noqa: D106  # marshmallow's way to set options.
        unknown = EXCLUDE  # RFC 6749, 3.2: unrecognized parameters are ignored.

    grant_type = fields.String(metadata={"description": "Required: client_credentials."})
    client_id = fields.String(metadata={"description": "The API key's prefix."})
    client_secret = fields.String(load_only=True, metadata={"description": "The whole API key.", "format": "password"})
    scope = fields.String(metadata={"description": "Permissions by spaces, to ask for fewer than the key holds."})


class TokenOut(OutSchema):
    """An access token (RFC 6749, 5.1)."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds that the access token is good for."})
    scope = fields.String(required=True, metadata={"description": "What the token may do, by spaces."})
