"""Companies."""

from marshmallow import fields, validate

from chassis.web.schemas import InSchema, OutSchema, Text, Timestamp
from identity.rules import COMPANY_SIZES, COMPANY_STATUSES
from identity.schemas.fields import CURRENCY, EMAIL, REGION, time_zone


class CompanyIn(InSchema):
    """A company that registers."""

    name = Text(required=True, shortest=1, longest=255)
    email = Text(required=True, longest=255, validate=[EMAIL], metadata={"format": "email"})
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
    default_currency = fields.String(load_default="USD", validate=CURRENCY)
    time_zone = Text(longest=64, load_default="UTC", validate=[time_zone])
    region = fields.String(allow_none=True, validate=REGION)


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
