"""A row of a file as a lead's values, checked by the very fields that check the body of a request."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from imports.rows import ReadRow
from imports.values import parse_moment
from imports.web.reader import FieldReader
from pipeline.rules.import_fields import CATALOGUE, CHOICES_OF
from pipeline.schemas.leads import LeadIn

# What the service keeps a list of, or knows some words of: what it does not know may be left empty.
CHOICES = ("stage_id", "priority", "assigned_to", "source")
_SMALL = re.compile("[a-z]{3}")
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def take_currency(row: ReadRow, text: str) -> bool:
    """Take a currency in small letters; False for what is none."""
    if not _SMALL.fullmatch(text):
        return False
    row.values["currency"] = text.upper()
    return True


def expected_day(text: str, form: str | None) -> str:
    """The day that something is expected on. Raises ValueError."""
    day = parse_moment(text, form).date()
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError("This is no day that anything is expected on.")
    return day.isoformat()


class LeadReader(FieldReader):
    """Reads rows of leads. What names a stage stays the text that the file has; which one that is the company says."""

    noun = "lead"
    catalogue = CATALOGUE
    choices = CHOICES_OF
    load_fields = LeadIn().load_fields
    of_lines = ("description", "notes", "loss_reason")
    members = ("assigned_to", "stage_id")
    for_new = ("created_at", "closed_at", "stage_id", "loss_reason")

    def __call__(self, line: int, cells: Sequence[str]) -> ReadRow:
        """Read a row; where others write 0 nobody knows what it is worth."""
        row = super().__call__(line, cells)
        value = row.values.get("estimated_value")
        if value is not None and Decimal(value) == 0:
            del row.values["estimated_value"]
        return row

    def take_first(self, row: ReadRow, field: str, text: str) -> bool:
        """Take a currency in small letters too."""
        return field == "currency" and take_currency(row, text)

    def moment(self, name: str, text: str, form: str | None) -> Any:
        """The moment that a text names, or the day of what is expected."""
        if name != "expected_close_date":
            return super().moment(name, text, form)
        return expected_day(text, form)

    def complete(self, row: ReadRow) -> None:
        """Who has no name is called by the address, else by the number."""
        if "lead_name" in row.values or any(fault.field == "lead_name" for fault in row.faults):
            return
        name = row.values.get("email") or row.values.get("phone")
        if name is not None:
            row.new_values = {"lead_name": name}


READERS = {"lead": LeadReader.of}
