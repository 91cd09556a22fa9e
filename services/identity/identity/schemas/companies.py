"""Companies."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import Email, Id, InSchema, Items, OutSchema, Phone, Text, Timestamp
from identity.rules import (
    COMPANY_SIZES,
    COMPANY_STATUSES,
    DUPLICATE_ACTIONS,
    MEMBER_STATUSES,
    MOST_FREE_MAIL_DOMAINS,
    ROLES,
    VISIBILITIES,
)
from identity.schemas.fields import CURRENCY, DOMAIN, REGION, time_zone
from identity.views import COMPANY


class _CompanyFields(InSchema):
    """What a company may say of itself; status and subscription are not its own to set."""

    logo = Text(longest=500, allow_none=True)
    phone = Phone(allow_none=True)
    address = Text(longest=2000, allow_none=True)
    city = Text(longest=100, allow_none=True)
    state = Text(longest=100, allow_none=True)
    country = Text(longest=100, allow_none=True)
    zip_code = Text(longest=20, allow_none=True)
    website = Text(longest=255, allow_none=True)
    industry = Text(longest=100, allow_none=True)
    company_size = fields.String(allow_none=True, validate=validate.OneOf(COMPANY_SIZES))
    region = fields.String(allow_none=True, validate=REGION)


class CompanyIn(_CompanyFields):
    """A company that registers."""

    name = Text(required=True, shortest=1, longest=255)
    email = Email(required=True)
    default_currency = fields.String(load_default="USD", validate=CURRENCY)
    time_zone = Text(longest=64, load_default="UTC", validate=[time_zone])


def _percent(least: int, description: str) -> fields.Integer:
    return fields.Integer(
        strict=True, validate=validate.Range(min=least, max=100), metadata={"description": description}
    )


class WeightsIn(InSchema):
    """How sure it makes that two records are the same when they share a key, in percent; 0: this key says nothing."""

    email = _percent(0, "The same e-mail address; 95 where it is not given.")
    phone = _percent(0, "The same phone number, and at three quarters the same last ten digits; 80.")
    name = _percent(0, "The same name, but for case, accents and form of company; 60.")
    domain = _percent(0, "The same web domain, if it is no provider's of free mail; 50.")


class SettingsIn(InSchema):
    """The settings to change; the others stay."""

    visibility = fields.String(
        validate=validate.OneOf(VISIBILITIES),
        metadata={"description": "Whether sales_rep and user see all records or their own."},
    )
    duplicates = fields.String(
        validate=validate.OneOf(DUPLICATE_ACTIONS),
        metadata={"description": "What becomes of a new record that is probably there already."},
    )
    duplicate_weights = fields.Nested(
        WeightsIn,
        metadata={
            "description": "By what records are probably the same. Set as a whole: a key that is not named has the "
            "weight that it has for everybody."
        },
    )
    duplicate_threshold = _percent(1, "From what score on two records are probably the same; 50 where it is never set.")
    free_mail_domains = Items(
        Text(longest=253, validate=[DOMAIN]),
        most=MOST_FREE_MAIL_DOMAINS,
        metadata={"description": "Domains that say nothing, beside those of the large providers of free mail."},
    )


class CompanyPatch(_CompanyFields):
    """The fields of the company to change; the others stay, and so does the address that it is registered by."""

    name = Text(shortest=1, longest=255)
    default_currency = fields.String(validate=CURRENCY)
    time_zone = Text(longest=64, validate=[time_zone])
    settings = fields.Nested(SettingsIn)


class CompanyChoiceIn(InSchema):
    """One of the caller's companies."""

    company_id = Id(required=True)


class WorkplaceOut(OutSchema):
    """A company, and what the caller is in it; null where they are no member."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(COMPANY_STATUSES))
    role = fields.String(required=True, allow_none=True, validate=validate.OneOf(ROLES))
    member_status = fields.String(required=True, allow_none=True, validate=validate.OneOf(MEMBER_STATUSES))
    is_primary = fields.Boolean(required=True)
    joined_at = Timestamp(required=True, allow_none=True)


class CompanySummaryOut(WorkplaceOut):
    """A company in a list of companies."""

    email = fields.String(required=True)
    created_at = Timestamp(required=True)


class WorkplacesOut(OutSchema):
    """The companies of the caller, the primary one first."""

    data = fields.List(fields.Nested(WorkplaceOut), required=True)


class WeightsOut(OutSchema):
    """How sure each shared key makes, in percent; 0 turns it off, absent means as it is for everybody."""

    email = _percent(0, "The same e-mail address.")
    phone = _percent(0, "The same phone number.")
    name = _percent(0, "The same name.")
    domain = _percent(0, "The same web domain.")


class SettingsOut(OutSchema):
    """What the company has set; what it has not is absent."""

    visibility = fields.String(metadata={"description": "Whether sales_rep and user see all records or their own."})
    duplicates = fields.String(metadata={"description": "What becomes of a new record that is probably there already."})
    duplicate_weights = fields.Nested(WeightsOut)
    duplicate_threshold = _percent(1, "From what score on two records are probably the same.")
    free_mail_domains = fields.List(
        fields.String(validate=validate.Length(max=253)),
        validate=validate.Length(max=MOST_FREE_MAIL_DOMAINS),
        metadata={"description": "Web domains that say nothing, beside those of the large providers."},
    )


class CompanyOut(RecordSchema, view=COMPANY):
    """A company."""

    company_size = fields.String(required=True, allow_none=True, validate=validate.OneOf(COMPANY_SIZES))
    status = fields.String(required=True, validate=validate.OneOf(COMPANY_STATUSES))
    default_currency = fields.String(required=True, validate=CURRENCY)
    region = fields.String(required=True, allow_none=True, validate=REGION)
    settings = fields.Nested(SettingsOut, required=True)
