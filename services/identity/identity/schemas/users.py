"""Users, and what they are in a company."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from chassis.web.records import RecordSchema
from chassis.web.schemas import LARGEST_ID, Email, Id, InSchema, Items, OutSchema, Phone, Text, Timestamp
from identity.rules import COMPANY_ROLES, GRANTABLE, MEMBER_STATUSES, ROLES
from identity.schemas.fields import PASSWORD
from identity.views import USER, USER_COMPANY


class UserIn(InSchema):
    """The first user of a company."""

    email = Email(required=True)
    # Its rules are in rules.py, which has a code of its own for each way to break them.
    password = fields.String(required=True, load_only=True, metadata=PASSWORD)
    first_name = Text(required=True, shortest=1, longest=100)
    last_name = Text(required=True, shortest=1, longest=100)
    phone = Phone(allow_none=True)


class UserOut(RecordSchema, view=USER):
    """A user. `role` is the platform's; what counts in a company is the role of the membership."""

    name = fields.String(required=True, validate=validate.Length(max=201))
    role = fields.String(
        required=True,
        validate=validate.OneOf(ROLES),
        metadata={"description": "The platform role; the role in a company is the membership's."},
    )


class PermissionsIn(InSchema):
    """What a member may do beyond their role, and what not in spite of it; a revoke beats a grant."""

    grant = Items(fields.String(validate=validate.OneOf(sorted(GRANTABLE))), most=len(GRANTABLE), load_default=list)
    revoke = Items(fields.String(validate=validate.OneOf(sorted(GRANTABLE))), most=len(GRANTABLE), load_default=list)

    @post_load
    def in_order(self, data: dict[str, list[str]], **_: Any) -> dict[str, list[str]]:
        """Each once and sorted, so that equal permissions are equal documents."""
        return {name: sorted(set(permissions)) for name, permissions in data.items()}


class MemberPatch(InSchema):
    """The fields of a member to change; the others stay. The profile is the user's, role and permissions are not."""

    first_name = Text(shortest=1, longest=100)
    last_name = Text(shortest=1, longest=100)
    phone = Phone(allow_none=True)
    avatar = Text(longest=500, allow_none=True)
    role = fields.String(validate=validate.OneOf(COMPANY_ROLES))
    permissions = fields.Nested(PermissionsIn, allow_none=True)


class DestinationIn(InSchema):
    """To whom records go: to one member, to several in turn, or to nobody."""

    to = Id()
    round_robin = Items(Id(), least=1, most=100)
    keep = fields.Boolean(truthy={True}, falsy=set(), metadata={"enum": [True]})

    @validates_schema
    def one_way(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("One of to, round_robin and keep is wanted.")
        if len(set(data.get("round_robin", ()))) != len(data.get("round_robin", ())):
            raise ValidationError("Each member can be named once.", "round_robin")


class TransferIn(InSchema):
    """What becomes of the member's records, by kind; kinds that are left out stay where they are."""

    customers = fields.Nested(DestinationIn)
    leads = fields.Nested(DestinationIn)
    deals = fields.Nested(DestinationIn)
    tasks = fields.Nested(DestinationIn)


class DeactivationIn(InSchema):
    """What becomes of the records of a member who leaves."""

    transfer = fields.Nested(TransferIn, load_default=dict)


class ProfileOut(OutSchema):
    """The user as of the membership's change, for references in other services."""

    first_name = fields.String(required=True, validate=validate.Length(max=100))
    last_name = fields.String(required=True, validate=validate.Length(max=100))
    email = fields.String(required=True, validate=validate.Length(max=255))
    phone = fields.String(required=True, allow_none=True, validate=validate.Length(max=50))
    avatar = fields.String(required=True, allow_none=True, validate=validate.Length(max=500))
    is_active = fields.Boolean(required=True)
    is_verified = fields.Boolean(required=True)


_ID = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
_DESTINATION = {
    "type": "object",
    "description": "What becomes of the member's records of this kind; absent means keep.",
    "oneOf": [
        {"required": ["to"], "properties": {"to": _ID}},
        {"required": ["round_robin"], "properties": {"round_robin": {"type": "array", "minItems": 1, "items": _ID}}},
        {"required": ["keep"], "properties": {"keep": {"const": True}}},
    ],
}
_NAMES = {"type": "array", "items": {"type": "string"}}
PERMISSIONS = {
    "description": "What the member may do beyond the role, and what not in spite of it.",
    "properties": {"grant": _NAMES, "revoke": _NAMES},
}


class UserCompanyOut(RecordSchema, view=USER_COMPANY):
    """A membership: what a user is in a company, as events tell the other services."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    permissions = fields.Dict(required=True, allow_none=True, metadata=PERMISSIONS)
    status = fields.String(required=True, validate=validate.OneOf(MEMBER_STATUSES))
    transfer_plan = fields.Dict(
        required=True,
        allow_none=True,
        metadata={
            "description": "To whom the records of a deactivated member go; null for everybody else.",
            "properties": dict.fromkeys(TransferIn().fields, _DESTINATION),
        },
    )
    user = fields.Nested(ProfileOut, required=True)


class MemberNameOut(OutSchema):
    """What every member may know of every other: the name for an id, and whether they work here still."""

    id = fields.Integer(required=True, metadata={"description": "The user's, as in `assigned_to`."})
    version = fields.Integer(required=True)
    name = fields.String(required=True)
    is_active = fields.Boolean(required=True)


class MemberOut(OutSchema):
    """A user as a member of the company. `id` is the user's; `version`, and so the ETag, is the membership's."""

    id = fields.Integer(required=True)
    membership_id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    email = fields.String(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    avatar = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    permissions = fields.Dict(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(MEMBER_STATUSES))
    is_primary = fields.Boolean(required=True)
    is_active = fields.Boolean(required=True)
    is_verified = fields.Boolean(required=True)
    last_login = Timestamp(required=True, allow_none=True)
    joined_at = Timestamp(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
