"""Registering, signing in, and who one is then."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.web.schemas import Id, InSchema, OutSchema, Text
from identity.rules import ROLES
from identity.schemas.companies import CompanyIn, CompanyOut
from identity.schemas.users import UserIn, UserOut


class BrowserIn(InSchema):
    """Where the refresh token goes: into the answer, or into a cookie that no script of a page can read."""

    session = fields.String(
        validate=validate.OneOf(["cookie"]),
        metadata={
            "description": "For pages of this origin in a browser: the refresh token goes into a cookie of the company "
            "(`HttpOnly`, `__Host-`) instead of the answer."
        },
    )


class RegistrationIn(BrowserIn):
    """A company and its first user."""

    company = fields.Nested(CompanyIn, required=True)
    user = fields.Nested(UserIn, required=True)


class LoginIn(BrowserIn):
    """An e-mail address and a password, and the company to work for."""

    email = Text(required=True, longest=255)
    password = fields.String(required=True, load_only=True, metadata={"format": "password"})
    company_id = Id(allow_none=True)
    device_token = fields.String(
        allow_none=True,
        load_only=True,
        validate=validate.Length(max=200),
        metadata={"description": "What a sign-in on this device was last answered; others' guesses do not count then."},
    )


class RefreshIn(BrowserIn):
    """The refresh token that the last answer brought, or the company whose cookie has it."""

    refresh_token = fields.String(load_only=True, metadata={"description": "Wanted unless the session is in a cookie."})
    company_id = Id(metadata={"description": "Wanted where the session is in a cookie: whose it is."})

    @validates_schema
    def token_or_cookie(self, data: dict[str, Any], **_: Any) -> None:
        """Raise ValidationError unless it is clear where the token is."""
        wanted, unwanted = "refresh_token", "company_id"
        if "session" in data:
            wanted, unwanted = unwanted, wanted
        if wanted not in data:
            raise ValidationError("Missing data for required field.", wanted)
        if unwanted in data:
            raise ValidationError("A token is in the body, or in a cookie of a company.", unwanted)


class SwitchIn(BrowserIn):
    """The company of the caller's to go on in."""

    company_id = Id(required=True)


class TokensOut(OutSchema):
    """Tokens to go on with (RFC 6749, 5.1)."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(metadata={"description": "Absent where it went into a cookie."})
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds that the access token is good for."})


class SignedInOut(TokensOut):
    """Tokens for who has shown a password, and what this device is known by from now on."""

    device_token = fields.String(
        required=True, metadata={"description": "To be kept on this device and shown when signing in again."}
    )


class RegistrationOut(SignedInOut):
    """The new company, its first user and their tokens."""

    company = fields.Nested(CompanyOut, required=True)
    user = fields.Nested(UserOut, required=True)


class MembershipOut(OutSchema):
    """The caller's membership; its version is what If-Match names when they change their own profile."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)


class IdentityOut(OutSchema):
    """The caller, their company, and what they may do in it."""

    user = fields.Nested(UserOut, required=True)
    company = fields.Nested(
        CompanyOut,
        required=True,
        metadata={"description": "Without companies:read what work needs of it; the rest is null or empty."},
    )
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    permissions = fields.List(fields.String(), required=True)
    membership = fields.Nested(MembershipOut, required=True)
