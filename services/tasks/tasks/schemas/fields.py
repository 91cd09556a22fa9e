"""What several bodies ask of a field: days, instants, times of day, zones."""

import re
from datetime import date, datetime, time
from typing import Any

from marshmallow import ValidationError, fields

from chassis.web.schemas import Text

# Wide enough for anybody's work, and far enough from where calendars of machines end.
_YEARS = "(?:19|2[0-9])[0-9]{2}"
_DAY = rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}$"
_MOMENT = (
    rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}[Tt][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,9}})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class _Written(fields.Field[Any]):
    """A value that is text on the wire, of one form."""

    form: str
    format: str
    wanted: str
    example: str

    def __init__(self, **kwargs: Any) -> None:
        described = {"type": "string", "format": self.format, "pattern": self.form, "example": self.example}
        super().__init__(metadata=described, **kwargs)

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
    example = "2026-11-28"

    def read(self, value: str) -> date:
        return date.fromisoformat(value)


class Moment(_Written):
    """An instant: RFC 3339 with its offset. A day alone is none, and is not taken for a midnight."""

    form, format, wanted = _MOMENT, "date-time", "A time with its offset is wanted, such as 2026-11-28T09:00:00+01:00."
    example = "2026-11-28T09:00:00+01:00"

    def read(self, value: str) -> datetime:
        return datetime.fromisoformat(value.upper())


class TimeOfDay(_Written):
    """A time of day on the wall clock, to the minute."""

    form, format, wanted = _TIME, "time-of-day", "A time of day is wanted, such as 09:00."
    example = "09:00"

    def read(self, value: str) -> time:
        return time.fromisoformat(value)


class Zone(Text):
    """The id of a time zone (IANA); whether there is such a one the rules say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=64, shortest=1, **kwargs)
