"""What several bodies ask of a field: times of day, zones."""

from datetime import time
from typing import Any

from chassis.web.dates import FormattedText
from chassis.web.schemas import Text

_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class TimeOfDay(FormattedText):
    """A time of day on the wall clock, to the minute."""

    form, format, wanted = _TIME, "time-of-day", "A time of day is wanted, such as 09:00."
    example = "09:00"

    def read(self, value: str) -> time:
        return time.fromisoformat(value)


class Zone(Text):
    """The id of a time zone (IANA); whether there is such a one the rules say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=64, shortest=1, **kwargs)
