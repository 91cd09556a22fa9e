"""Fields of days and instants: text of one form on the wire, and nothing that is only nearly one."""

import re
from abc import ABC, abstractmethod
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields

# Wide enough for anybody's work, and far enough from where calendars of machines end.
_YEARS = "(?:19|2[0-9])[0-9]{2}"
_DAY = rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}$"
_MOMENT = (
    rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}[Tt][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,9}})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


class FormattedText(fields.Field[Any], ABC):
    """A value that is text of the pattern `form` on the wire; `read` makes the value from it or raises ValueError."""

    form: str
    format: str
    wanted: str
    example: str

    def __init__(self, **kwargs: Any) -> None:
        described = {"type": "string", "format": self.format, "pattern": self.form, "example": self.example}
        super().__init__(metadata={**described, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        # In Python, though not in JSON Schema, $ also matches before a last line feed.
        if not isinstance(value, str) or re.search(self.form, value) is None or value.endswith("\n"):
            raise ValidationError(self.wanted)
        try:
            return self.read(value)
        except ValueError:
            raise ValidationError(self.wanted) from None

    @abstractmethod
    def read(self, value: str) -> Any:
        """The value of a text that has the form."""


class Day(FormattedText):
    """A day of the calendar, without a time or a zone."""

    form, format, wanted = _DAY, "date", "A day is wanted, such as 2026-11-28."
    example = "2026-11-28"

    def read(self, value: str) -> date:
        """The day."""
        return date.fromisoformat(value)


class Moment(FormattedText):
    """An instant: RFC 3339 with its offset. A day alone is none, and is not taken for a midnight."""

    form, format, wanted = _MOMENT, "date-time", "A time with its offset is wanted, such as 2026-11-28T09:00:00+01:00."
    example = "2026-11-28T09:00:00+01:00"

    def read(self, value: str) -> datetime:
        """The instant, with the offset that it was written with."""
        return datetime.fromisoformat(value.upper())
