"""What duplicates and merges look like on the wire."""

from marshmallow import ValidationError, fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import ID_RANGE, Entries, Id, IdText, InSchema, Items, OutSchema, Text, Version
from customers.rules.merging import MOST_SOURCES, merged_fields
from customers.schemas.customers import CustomerOut
from customers.views import CUSTOMER, CUSTOMER_DUPLICATE, CUSTOMER_MERGE

_FIELDS = merged_fields(CUSTOMER.columns)


class CandidateOut(OutSchema):
    """A customer that is probably the same."""

    customer = fields.Dict(required=True)
    score = fields.Integer(required=True, metadata={"description": "How likely it is the same, in percent."})
    reasons = fields.List(fields.Dict(), required=True)


class DuplicatesOut(OutSchema):
    """The likely duplicates, the likeliest first, and how many there are that the caller may not see."""

    candidates = fields.List(fields.Nested(CandidateOut), required=True)
    hidden = fields.Integer(required=True)


class CustomerDuplicateOut(RecordSchema, view=CUSTOMER_DUPLICATE):
    """Two customers that are probably the same."""

    customer = fields.Dict(required=True, metadata={"description": "The one that was there first."})
    other = fields.Dict(required=True)
    score = fields.Integer(required=True, metadata={"description": "How likely they are the same, in percent."})
    reasons = fields.List(fields.Dict(), required=True)


class LikenessIn(InSchema):
    """By what another service looks for a customer, and for whom."""

    name = Text(longest=255)
    email = Text(longest=255)
    phone = Text(longest=50)
    website = Text(longest=255)
    # Where the number is from, and whether the name is a firm's.
    country = Text(longest=100)
    customer_type = Text(longest=50)
    user_id = IdText(required=True)
    own_only = fields.Boolean(load_default=False)


class SourceIn(InSchema):
    """A customer to merge, in the version that the choice was made with."""

    id = Id(required=True)
    version = Version(required=True)


def _distinct(sources: list[dict[str, int]]) -> None:
    if len({source["id"] for source in sources}) != len(sources):
        raise ValidationError("A customer is there twice.")


class CustomerMergeIn(InSchema):
    """Which customers to merge into this one, and for a field the customer whose value it gets."""

    sources = Items(
        fields.Nested(SourceIn), required=True, data_key="from", least=1, most=MOST_SOURCES, validate=[_distinct]
    )
    choices = Entries(
        most=len(_FIELDS),
        keys=fields.String(validate=[validate.OneOf(_FIELDS)]),
        values=Id(),
        data_key="fields",
        load_default=dict,
    )


class CustomerMergePreview(OutSchema):
    """What a merge would change, and where there is a choice."""

    changes = fields.Dict(required=True)
    differences = fields.Dict(required=True)


class CustomerMergeOut(RecordSchema, view=CUSTOMER_MERGE):
    """A merge that was made."""

    sources = fields.List(fields.Integer(validate=ID_RANGE), required=True, validate=validate.Length(min=1))


class MergedOut(OutSchema):
    """The customer that came out, and the merge that can be undone."""

    customer = fields.Nested(CustomerOut, required=True)
    merge = fields.Nested(CustomerMergeOut, required=True)
