"""What several bodies ask of a field: currencies, shares in per cent, numbers of days, yes or no."""

from typing import Any

from marshmallow import fields, validate

from chassis.web.schemas import Text, WholeNumber

LONGEST_TEXT = 20_000
LONGEST_REASON = 2000
# In Python, though not in JSON Schema, $ also matches before a last line feed.
_CODE = validate.Regexp(r"^[A-Z]{3}$(?!\n)", error="An ISO 4217 code is wanted, such as EUR.")


class Currency(Text):
    """An ISO 4217 code; whether it is in use the rules say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=3, validate=[_CODE], **kwargs)


class Percent(WholeNumber):
    """A whole number of per cent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Range(min=0, max=100)], **kwargs)


class Days(WholeNumber):
    """A number of days."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Range(min=1, max=36_500)], **kwargs)


class Flag(fields.Boolean):
    """True or false, and nothing that could pass for one of them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={True}, falsy={False}, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
