"""What several bodies ask of a field: days, instants, currencies, shares in per cent."""

import re
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from chassis.web.schemas import Text
from pipeline import rules

# Wide enough for anybody's work, and far enough from where calendars of machines end.
_YEARS = "(?:19|2[0-9])[0-9]{2}"
_DAY = rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}$"
_MOMENT = (
    rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}[Tt][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,9}})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
LONGEST_TEXT = 20_000
LONGEST_REASON = 2000
# In Python, though not in JSON Schema, $ also matches before a last line feed.
EMAIL = validate.Regexp(rf"{rules.EMAIL_PATTERN}(?!\n)", error="This is no e-mail address.")
_CODE = validate.Regexp(r"^[A-Z]{3}$(?!\n)", error="An ISO 4217 code is wanted, such as EUR.")


class _Written(fields.Field[Any]):
    """A value that is text on the wire, of one form."""

    form: str
    format: str
    wanted: str

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "string", "format": self.format, "pattern": self.form}
        super().__init__(metadata={**metadata, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, str) or re.search(self.form, value) is None or value.endswith("\n"):
            raise ValidationError(self.wanted)
        try:
            return self.read(value)
        except ValueError:
            raise ValidationError(self.wanted) from None

    def read(self, value: str) -> Any:
        raise NotImplementedError


class Day(_Written):
    """A day of the calendar, without a time or a zone."""

    form, format, wanted = _DAY, "date", "A day is wanted, such as 2026-11-28."

    def read(self, value: str) -> date:
        return date.fromisoformat(value)


class Moment(_Written):
    """An instant: RFC 3339 with its offset. A day alone is none, and is not taken for a midnight."""

    form, format, wanted = _MOMENT, "date-time", "A time with its offset is wanted, such as 2026-11-28T09:00:00+01:00."

    def read(self, value: str) -> datetime:
        return datetime.fromisoformat(value.upper())


class Currency(Text):
    """An ISO 4217 code; whether it is in use the rules say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=3, validate=[_CODE], **kwargs)


class Percent(fields.Integer):
    """A whole number of per cent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=[validate.Range(min=0, max=100)], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool | str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Days(fields.Integer):
    """A number of days."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=[validate.Range(min=1, max=36_500)], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool | str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Flag(fields.Boolean):
    """True or false, and nothing that could pass for one of them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={True}, falsy={False}, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
