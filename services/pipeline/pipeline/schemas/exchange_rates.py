"""What an exchange rate looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.dates import Day
from chassis.web.records import Count, RecordSchema
from chassis.web.schemas import InSchema, OutSchema, Text
from pipeline import views
from pipeline.schemas.fields import Currency

_RATE = validate.Regexp(
    r"^(?=.*[1-9])[0-9]{1,10}(\.[0-9]{1,10})?$(?!\n)",
    error='A positive number with up to ten decimals is wanted as text, such as "1.0850".',
)


class ExchangeRateIn(InSchema):
    """What one unit of a currency is worth in another from a day on."""

    currency = Currency(required=True)
    base_currency = Currency(metadata={"description": "The company's default currency unless given."})
    rate = Text(
        longest=21,
        validate=[_RATE],
        required=True,
        metadata={"description": "How many units of base_currency one unit of currency is worth."},
    )
    valid_on = Day(required=True)


class ExchangeRatePatch(InSchema):
    """What is wrong about a rate."""

    rate = Text(longest=21, validate=[_RATE])
    valid_on = Day()


class ExchangeRateOut(RecordSchema, view=views.EXCHANGE_RATE):
    """A dated exchange rate: base units for one unit of the currency, until a newer one holds."""

    rate = fields.String(required=True)


class AppliedOut(OutSchema):
    """What came of giving a rate to closed deals."""

    changed = Count(metadata={"description": "The deals that have the rate now and had another one, or none."})
    more = fields.Boolean(
        required=True, metadata={"description": "Whether there are more than were changed at once; ask again."}
    )
