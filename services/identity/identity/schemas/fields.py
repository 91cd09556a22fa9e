"""What several bodies ask of a field."""

from zoneinfo import available_timezones

from marshmallow import ValidationError, validate

from identity.rules import LONGEST_PASSWORD, SHORTEST_PASSWORD

PASSWORD = {
    "description": f"{SHORTEST_PASSWORD} characters or more, {LONGEST_PASSWORD} bytes in UTF-8 or less.",
    "format": "password",
}
# In Python, though not in JSON Schema, $ also matches before a last line feed.
_NO_NEWLINE = r"(?!\n)"
CURRENCY = validate.Regexp(r"^[A-Z]{3}$" + _NO_NEWLINE, error="An ISO 4217 code is wanted, such as USD.")
REGION = validate.Regexp(r"^[A-Z]{2}$" + _NO_NEWLINE, error="An ISO 3166-1 alpha-2 code is wanted, such as US.")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = validate.Regexp(
    rf"^(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])$" + _NO_NEWLINE,
    error="A domain is wanted, such as mail.example.",
)


def time_zone(name: str) -> None:
    if name not in _TIME_ZONES:
        raise ValidationError("An IANA time zone is wanted, such as Europe/Berlin.")


_TIME_ZONES = available_timezones() | {"UTC"}
