"""Invitations."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import Email, InSchema, Text
from identity.rules import COMPANY_ROLES, INVITATION_STATUSES, ROLES
from identity.schemas.auth import BrowserIn, SignedInOut
from identity.schemas.fields import PASSWORD
from identity.schemas.users import PERMISSIONS, MemberOut, PermissionsIn
from identity.views import INVITATION


class InvitationIn(InSchema):
    """Whom to ask, and what they will be."""

    email = Email(required=True)
    role = fields.String(required=True, validate=validate.OneOf(COMPANY_ROLES))
    permissions = fields.Nested(PermissionsIn, allow_none=True)


class AcceptanceIn(BrowserIn):
    """The token from the letter. A new user gives names and a password to be, a user who is known gives theirs."""

    token = Text(required=True, longest=100, load_only=True)
    first_name = Text(shortest=1, longest=100)
    last_name = Text(shortest=1, longest=100)
    password = fields.String(required=True, load_only=True, metadata=PASSWORD)


class InvitationOut(RecordSchema, view=INVITATION):
    """An invitation, without the token, which is in the letter alone."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    permissions = fields.Dict(required=True, allow_none=True, metadata=PERMISSIONS)
    status = fields.String(required=True, validate=validate.OneOf(INVITATION_STATUSES))


class JoinedOut(SignedInOut):
    """The new member and their tokens."""

    member = fields.Nested(MemberOut, required=True)
