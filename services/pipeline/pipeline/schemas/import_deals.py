"""A row of a file as a deal's values, with what it says of its stage and of whom it is with."""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from marshmallow import fields, validate

from chassis.web.schemas import Id, Text
from imports.rows import ReadRow
from imports.values import addresses_in, parse_moment
from imports.web.reader import FieldReader
from pipeline import rules
from pipeline.rules.deal_import_fields import CATALOGUE, CHOICES_OF, OF_CUSTOMER
from pipeline.schemas.deals import DealIn
from pipeline.schemas.import_rows import expected_day, take_currency

# What the service keeps a list of, or knows some words of: what it does not know may be left empty.
CHOICES = ("pipeline_id", "stage_id", "status", "assigned_to")
_BETWEEN_COLUMNS = " ::: "
_NAME_AND_ADDRESS = re.compile(r"(?P<name>.+?)(?<!\s)\s*\((?P<address>[^\s()]*[\w-]\.[a-zA-Z]{2,})\)\Z")
_PERCENT = re.compile(r"(?P<number>\d{1,3}(?:[.,]\d+)?)\s*(?P<sign>%?)\Z")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
# Today has begun somewhere.
_FIRST_ZONE = timedelta(hours=14)


class _DealRow(DealIn):
    """What a row says of a deal, of its stage and of its customer."""

    pipeline_id = Id()
    status = fields.String(validate=validate.OneOf(rules.DEAL_STATUSES))
    company_name = Text(longest=255)
    contact_name = Text(longest=255)
    customer_code = Text(longest=50)
    website = Text(longest=255)
    customer_email = Text(longest=255)


class DealReader(FieldReader):
    """Reads rows of deals. What names a stage or a customer stays the text that the file has."""

    noun = "deal"
    catalogue = CATALOGUE
    choices = CHOICES_OF
    parent_number = "customer_code"
    parent_names = ("company_name", "contact_name")
    load_fields = _DealRow().load_fields
    ids = ("id", "customer_id")
    of_lines = ("notes", "loss_reason")
    members = ("assigned_to", "pipeline_id", "stage_id")
    for_new = (
        "created_at",
        "closed_at",
        "pipeline_id",
        "stage_id",
        "status",
        "loss_reason",
        "contact_name",
        *OF_CUSTOMER,
    )

    def set_up(self) -> None:
        """See which numbers are percentages."""
        self._special["probability"] = _percent

    def take_first(self, row: ReadRow, field: str, text: str) -> bool:
        """Take a currency in small letters, the first of several moments and addresses, and `Acme (acme.example)`."""
        match field:
            case "currency":
                return take_currency(row, text)
            case "closed_at" if _BETWEEN_COLUMNS in text:
                self.take(row, field, text.partition(_BETWEEN_COLUMNS)[0])
            case "customer_email" if (found := addresses_in(text)) and found[0] != text:
                self.take(row, field, found[0])
            case "company_name" | "contact_name" if (whole := _NAME_AND_ADDRESS.match(text)) is not None:
                self.take(row, field, whole["name"])
                other = "customer_email" if "@" in whole["address"] else "website"
                if other not in row.values:
                    self.take(row, other, whole["address"])
            case _:
                return False
        return True

    def moment(self, name: str, text: str, form: str | None) -> Any:
        """The moment that a text names; the day alone of what is expected, and of a closing without an hour."""
        if name == "expected_close_date":
            return expected_day(text, form)
        if name != "closed_at":
            return super().moment(name, text, form)
        moment, has_hour = parse_moment(text, form), ":" in text
        if not _EARLIEST <= moment <= datetime.now(UTC) + (timedelta() if has_hour else _FIRST_ZONE):
            raise ValueError("A deal has closed by now, after 1900.")
        return moment.isoformat() if has_hour else moment.date().isoformat()

    def complete(self, row: ReadRow) -> None:
        """Who has no company is a customer by their own name."""
        person = row.values.pop("contact_name", None)
        if person is not None:
            row.values.setdefault("company_name", person)


def _percent(text: str) -> int:
    """A probability in per cent; 0.2 is a share of one, as HubSpot writes it."""
    found = _PERCENT.match(text)
    number = Decimal(found["number"].replace(",", ".")) if found else Decimal(-1)
    if found and not found["sign"] and "." in str(number) and number <= 1:
        number *= 100
    if not 0 <= number <= 100:  # noqa: PLR2004  # Per cent.
        raise ValueError("A probability from 0 to 100 per cent is wanted.")
    return int(number.to_integral_value(ROUND_HALF_UP))


READERS = {"deal": DealReader.of}
