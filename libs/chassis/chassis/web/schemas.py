"""Fields and schemas: what goes in is refused when in doubt, what comes out may grow."""

import re
from datetime import UTC, datetime
from typing import Any

import marshmallow
from marshmallow import EXCLUDE, RAISE, ValidationError, fields, validate

LARGEST_ID = 2**63 - 1
LARGEST_BATCH = 500
_AMOUNT = r"^[0-9]{1,13}(\.[0-9]{1,2})?$(?!\n)"


class InSchema(marshmallow.Schema):
    """A body that a client sends: unknown fields are refused, so that a typing error is not silently lost."""

    class Meta:  # noqa: D106  # marshmallow's way to set options.
        unknown = RAISE


class OutSchema(marshmallow.Schema):
    """A document that a service answers with: it may gain fields, so its description leaves room for them."""

    class Meta:  # noqa: D106  # marshmallow's way to set options.
        unknown = EXCLUDE


class NotBlank(validate.Validator):
    """A text that shows something: one character at least is none of Unicode's blanks.

    OpenAPI gets `regex` as the field's pattern, which is searched for there as it is here.
    """

    regex = re.compile(r"\S")

    def __call__(self, value: str) -> str:
        """The text. Raises ValidationError; of an empty one its length says enough."""
        if value and not self.regex.search(value):
            raise ValidationError("A character is wanted that is not blank.")
        return value


class Text(fields.String):
    """A text of `shortest` to `longest` characters without NUL, which PostgreSQL cannot store.

    One that must not be empty must not be blank either, unless a pattern of its own says what it may be.
    """

    def __init__(self, *, longest: int, shortest: int = 0, **kwargs: Any) -> None:
        checks = [validate.Length(min=shortest or None, max=longest), *kwargs.pop("validate", [])]
        # A schema has room for one pattern.
        if shortest and not any(hasattr(check, "regex") for check in checks):
            checks.append(NotBlank())
        super().__init__(validate=checks, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in text:
            raise ValidationError("NUL is not a character here.")
        return text


class Id(fields.Integer):
    """The id of a record: an integer from 1 to 2^63 - 1, as a number and not as text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=[validate.Range(min=1, max=LARGEST_ID)], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool | str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Money(fields.String):
    """A decimal amount as text, such as "1234.50", that fits NUMERIC(15,2) and is not negative.

    Text because a JSON number becomes a binary fraction in most clients, and no Decimal is needed on the way: the
    database reads and writes the same text.
    """

    def __init__(self, **kwargs: Any) -> None:
        amount = validate.Regexp(_AMOUNT, error='A decimal amount is wanted as text, such as "1234.50".')
        super().__init__(validate=[amount], **kwargs)


class Timestamp(fields.DateTime):
    """An RFC 3339 timestamp in UTC with as many decimals as it needs: the form in which PostgreSQL writes JSON."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        whole, _, fraction = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").partition(".")
        fraction = fraction.rstrip("0")
        return f"{whole}.{fraction}+00:00" if fraction else f"{whole}+00:00"


class PageInfo(OutSchema):
    """Where a list goes on."""

    next_cursor = fields.String(allow_none=True, required=True)
    has_more = fields.Boolean(required=True)
    total = fields.Integer()


class FieldErrorOut(OutSchema):
    """One fault in one input."""

    pointer = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)


class Problem(OutSchema):
    """A problem document (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldErrorOut))
