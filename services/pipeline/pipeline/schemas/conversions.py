"""What the conversion of a lead looks like on the wire."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.web.dates import Day
from chassis.web.records import RecordSchema
from chassis.web.schemas import Email, Id, InSchema, Items, Money, OutSchema, Phone, Tags, Text
from pipeline import rules
from pipeline.schemas.fields import LONGEST_TEXT, Currency, Flag, Percent
from pipeline.views import CONVERSION

MOST_ACCEPTED = 100


class NewCustomerIn(InSchema):
    """What the new customer has otherwise than the lead; customers checks it again by its own rules."""

    name = Text(longest=255, shortest=1)
    customer_code = Text(longest=50, shortest=1)
    email = Email()
    phone = Phone()
    secondary_phone = Phone()
    address = Text(longest=2000)
    city = Text(longest=100)
    state = Text(longest=100)
    country = Text(longest=100)
    zip_code = Text(longest=20)
    customer_type = Text(longest=50)
    industry = Text(longest=100)
    company_name = Text(longest=255)
    website = Text(longest=255)
    source = Text(longest=100)
    priority = fields.String(validate=[validate.OneOf(rules.PRIORITIES)])
    credit_limit = Money()
    notes = Text(longest=LONGEST_TEXT)
    tags = Tags()
    assigned_to = Id()


class NewContactIn(InSchema):
    """A person at the customer."""

    first_name = Text(longest=100, shortest=1, required=True)
    last_name = Text(longest=100)
    email = Email()
    phone = Phone()
    job_title = Text(longest=100)
    is_primary = Flag()


class NewDealIn(InSchema):
    """What the new deal has otherwise than the lead."""

    deal_name = Text(longest=rules.LONGEST_NAME, shortest=1)
    deal_value = Money()
    currency = Currency()
    stage_id = Id()
    probability = Percent()
    expected_close_date = Day()
    notes = Text(longest=LONGEST_TEXT)
    assigned_to = Id()


class _ChoiceIn(InSchema):
    """Exactly one of: a new record, one that there is, none."""

    use = Id()
    skip = fields.Boolean(truthy={True}, falsy=set())

    @validates_schema
    def choose_one(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError for more than one, and for none."""
        if len(data.keys() & {"create", "use", "skip"}) != 1:
            raise ValidationError("Exactly one of create, use and skip is wanted.")


class CustomerChoiceIn(_ChoiceIn):
    """The customer that a lead becomes."""

    create = fields.Nested(NewCustomerIn)
    fill_blanks = Flag(metadata={"description": "Give the customer that is used what it lacks and the lead has."})

    @validates_schema
    def fill_what_is_used(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError where there is nothing to fill."""
        if "fill_blanks" in data and "use" not in data:
            raise ValidationError("Only a customer that is used has blanks to fill.", "fill_blanks")


class ContactChoiceIn(_ChoiceIn):
    """The person at the customer."""

    create = fields.Nested(NewContactIn)


class DealChoiceIn(_ChoiceIn):
    """The deal that a lead becomes."""

    create = fields.Nested(NewDealIn)


class ConversionIn(InSchema):
    """What is to become of a lead: the lead's customer, else a new one, no contact, and a new deal, if not said."""

    customer = fields.Nested(CustomerChoiceIn)
    contact = fields.Nested(ContactChoiceIn)
    deal = fields.Nested(DealChoiceIn)
    assigned_to = Id(metadata={"description": "Who is to look after what is created."})
    accept_duplicates = Items(
        Id(),
        most=MOST_ACCEPTED,
        load_default=list,
        metadata={"description": "Likely duplicates of the new customer that are known to be others."},
    )


class ConversionPreviewOut(OutSchema):
    """What a conversion would write, and whom the new customer is probably the same as."""

    values = fields.Dict(required=True)
    candidates = fields.List(fields.Dict(), required=True)
    hidden = fields.Integer(
        required=True, metadata={"description": "How many more there are that the caller may not see."}
    )


class ConversionOut(RecordSchema, view=CONVERSION):
    """The conversion of a lead."""

    state = fields.String(required=True, validate=validate.OneOf(rules.CONVERSION_STATES))
    wishes = fields.Dict(required=True, metadata={"description": "What was wanted, as it was checked."})
    candidates = fields.List(
        fields.Dict(),
        required=True,
        allow_none=True,
        metadata={"description": "The likely duplicates that nobody had accepted, by their ids."},
    )
    kept = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "What was kept when it was taken back, because somebody has worked on with it."},
    )
