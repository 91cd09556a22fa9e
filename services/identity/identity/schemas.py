"""What clients send to identity and get from it."""

from zoneinfo import available_timezones

from marshmallow import ValidationError, fields, validate

from chassis.web.schemas import Id, InSchema, OutSchema, Text, Timestamp
from identity.rules import COMPANY_SIZES, COMPANY_STATUSES, EMAIL_PATTERN, LONGEST_PASSWORD, ROLES, SHORTEST_PASSWORD

_PASSWORD = {
    "description": f"{SHORTEST_PASSWORD} characters or more, {LONGEST_PASSWORD} bytes in UTF-8 or less.",
    "format": "password",
}
# In Python, though not in JSON Schema, $ also matches before a last line feed.
_NO_NEWLINE = r"(?!\n)"
_EMAIL = validate.Regexp(EMAIL_PATTERN + _NO_NEWLINE, error="An e-mail address is wanted.")
_CURRENCY = validate.Regexp(r"^[A-Z]{3}$" + _NO_NEWLINE, error="An ISO 4217 code is wanted, such as USD.")
_REGION = validate.Regexp(r"^[A-Z]{2}$" + _NO_NEWLINE, error="An ISO 3166-1 alpha-2 code is wanted, such as US.")


def _time_zone(name: str) -> None:
    if name not in _TIME_ZONES:
        raise ValidationError("An IANA time zone is wanted, such as Europe/Berlin.")


_TIME_ZONES = available_timezones() | {"UTC"}


class CompanyIn(InSchema):
    """A company that registers."""

    name = Text(required=True, shortest=1, longest=255)
    email = Text(required=True, longest=255, validate=[_EMAIL], metadata={"format": "email"})
    logo = Text(longest=500, allow_none=True)
    phone = Text(longest=50, allow_none=True)
    address = Text(longest=2000, allow_none=True)
    city = Text(longest=100, allow_none=True)
    state = Text(longest=100, allow_none=True)
    country = Text(longest=100, allow_none=True)
    zip_code = Text(longest=20, allow_none=True)
    website = Text(longest=255, allow_none=True)
    industry = Text(longest=100, allow_none=True)
    company_size = fields.String(allow_none=True, validate=validate.OneOf(COMPANY_SIZES))
    default_currency = fields.String(load_default="USD", validate=_CURRENCY)
    time_zone = Text(longest=64, load_default="UTC", validate=[_time_zone])
    region = fields.String(allow_none=True, validate=_REGION)


class UserIn(InSchema):
    """The first user of a company."""

    email = Text(required=True, longest=255, validate=[_EMAIL], metadata={"format": "email"})
    # Its rules are in rules.py, which has a code of its own for each way to break them.
    password = fields.String(required=True, load_only=True, metadata=_PASSWORD)
    first_name = Text(required=True, shortest=1, longest=100)
    last_name = Text(required=True, shortest=1, longest=100)
    phone = Text(longest=50, allow_none=True)


class RegistrationIn(InSchema):
    """A company and its first user."""

    company = fields.Nested(CompanyIn, required=True)
    user = fields.Nested(UserIn, required=True)


class LoginIn(InSchema):
    """An e-mail address and a password, and the company to work for."""

    email = Text(required=True, longest=255)
    password = fields.String(required=True, load_only=True, metadata={"format": "password"})
    company_id = Id(allow_none=True)


class RefreshIn(InSchema):
    """The refresh token that the last answer brought."""

    refresh_token = fields.String(required=True, load_only=True)


class CompanyOut(OutSchema):
    """A company."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    name = fields.String(required=True)
    logo = fields.String(required=True, allow_none=True)
    email = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    city = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, allow_none=True)
    country = fields.String(required=True, allow_none=True)
    zip_code = fields.String(required=True, allow_none=True)
    website = fields.String(required=True, allow_none=True)
    industry = fields.String(required=True, allow_none=True)
    company_size = fields.String(required=True, allow_none=True, validate=validate.OneOf(COMPANY_SIZES))
    status = fields.String(required=True, validate=validate.OneOf(COMPANY_STATUSES))
    subscription_plan = fields.String(required=True, allow_none=True)
    subscription_start = fields.Date(required=True, allow_none=True)
    subscription_end = fields.Date(required=True, allow_none=True)
    default_currency = fields.String(required=True)
    time_zone = fields.String(required=True)
    region = fields.String(required=True, allow_none=True)
    settings = fields.Dict(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class UserOut(OutSchema):
    """A user. `role` is the platform's; what counts in a company is the role of the membership."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    email = fields.String(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    avatar = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    is_active = fields.Boolean(required=True)
    is_verified = fields.Boolean(required=True)
    last_login = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class TokensOut(OutSchema):
    """Tokens to go on with (RFC 6749, 5.1)."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds that the access token is good for."})


class RegistrationOut(TokensOut):
    """The new company, its first user and their tokens."""

    company = fields.Nested(CompanyOut, required=True)
    user = fields.Nested(UserOut, required=True)


class IdentityOut(OutSchema):
    """The caller, their company, and what they may do in it."""

    user = fields.Nested(UserOut, required=True)
    company = fields.Nested(CompanyOut, required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    permissions = fields.List(fields.String(), required=True)


class KeyOut(OutSchema):
    """A public signing key (RFC 7517)."""

    kty = fields.String(required=True)
    use = fields.String(required=True)
    alg = fields.String(required=True)
    kid = fields.String(required=True)
    n = fields.String(required=True)
    e = fields.String(required=True)


class KeySetOut(OutSchema):
    """The public keys of all tokens that are good now."""

    keys = fields.List(fields.Nested(KeyOut), required=True)
