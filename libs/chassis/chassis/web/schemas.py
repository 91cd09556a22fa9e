"""Fields and schemas: what goes in is refused when in doubt, what comes out may grow."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar

import marshmallow
from marshmallow import EXCLUDE, RAISE, ValidationError, fields, validate

from chassis.errors import FieldError, Invalid
from chassis.tags import LONGEST_TAG, MOST_TAGS
from people.emails import clean_email
from people.phones import clean_phone
from people.tags import distinct_tags
from people.texts import Fault, clean_line, clean_text, is_blank, trimmed

LARGEST_ID = 2**63 - 1
LARGEST_BATCH = 500
ID_RANGE = validate.Range(min=1, max=LARGEST_ID)
MOST_ERRORS = 50
# Bytes of a body. A record with long texts has room for them, however they are escaped; many records take more.
LARGEST_RECORD = 256 * 1024
LARGEST_BODY = 1024 * 1024
# Beside the fields that there are: room for typing errors, each of which is named.
MOST_UNKNOWN = 20
_CODES = {
    "Missing data for required field.": "required",
    "Unknown field.": "unknown_field",
    "Field may not be null.": "null",
}
_AMOUNT = r"^[0-9]{1,13}(\.[0-9]{1,2})?$(?!\n)"


class InSchema(marshmallow.Schema):
    """A body that a client sends: unknown fields are refused, so that a typing error is not silently lost."""

    largest: ClassVar[int] = LARGEST_RECORD

    class Meta:  # noqa: D106  # marshmallow's way to set options.
        unknown = RAISE

    def load(self, data: Any, **kwargs: Any) -> Any:
        """The values. Raises ValidationError, before a field is looked at where there are far too many of them."""
        if isinstance(data, dict) and len(data) > len(self.fields) + MOST_UNKNOWN:
            raise ValidationError(f"There are {len(data)} fields; at most {len(self.fields)} are known.")
        return super().load(self._without_blanks(data) if isinstance(data, dict) else data, **kwargs)

    def _without_blanks(self, data: dict[Any, Any]) -> dict[Any, Any]:
        """A form sends an empty text where there is nothing, whatever kind of value the field has."""
        blank = {
            name: None
            for name, value in data.items()
            if isinstance(value, str) and name in self.fields and self.fields[name].allow_none and is_blank(value)
        }
        return data | blank if blank else data


class OutSchema(marshmallow.Schema):
    """A document that a service answers with: it may gain fields, so its description leaves room for them."""

    class Meta:  # noqa: D106  # marshmallow's way to set options.
        unknown = EXCLUDE


class NotBlank(validate.Validator):
    """A text that shows something: one character at least is none of Unicode's blanks.

    OpenAPI gets `regex` as the field's pattern, which is searched for there as it is here.
    """

    regex = re.compile(r"\S")
    sentence = "A character is wanted that is not blank."

    def __call__(self, value: str) -> str:
        """The text. Raises ValidationError; of an empty one its length says enough."""
        if value and not self.regex.search(value):
            raise ValidationError(self.sentence)
        return value


# A text that may be longer has lines.
LONGEST_LINE = 500


# At most so many characters become one when they are composed (NFC).
_SHRINKS_TO = 4


class Text(fields.String):
    """A text of `shortest` to `longest` characters, cleaned as `people.texts` does it; of one line up to LONGEST_LINE.

    One that must not be empty must not be blank either, unless a pattern of its own says what it may be. A blank one is
    null where null is allowed.
    """

    def __init__(self, *, longest: int, shortest: int = 0, **kwargs: Any) -> None:
        length = validate.Length(min=shortest or None, max=longest)
        checks = [length, *kwargs.pop("validate", [])]
        # A schema has room for one pattern.
        if shortest and not any(hasattr(check, "regex") for check in checks):
            checks.append(NotBlank())
        super().__init__(validate=checks, **kwargs)
        self._length, self._longest_as_given = length, _SHRINKS_TO * longest
        self._clean: Callable[[str], str] = clean_line if longest <= LONGEST_LINE else clean_text
        # What is judged besides the length, once a text is known to show something.
        self._checks = [check for check in checks if check is not length and not isinstance(check, NotBlank)]
        # What shows something and has neither controls nor other alphabets is as it should be.
        self._is_plain = (length.min or 1) == 1 and not self._checks
        self._not_blank = next((check for check in checks if isinstance(check, NotBlank)), None)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """The text, or None for nothing. Raises ValidationError."""
        if self.allow_none and isinstance(value, str) and is_blank(value):
            value = None
        return super().deserialize(value, attr, data, **kwargs)

    def read(self, text: str) -> Any:
        """What `deserialize` makes of a text, in a tenth of the time where nothing is wrong with it."""
        longest = self._length.max or 0
        if len(text) <= longest:
            if self._is_plain and text.isascii() and text.isprintable() and text[:1] > " " and text[-1] > " ":
                return text
            with suppress(Fault, ValidationError):
                cleaned = self._clean(text)
                # To compose a text may make it longer.
                if (self._length.min or 1) <= len(cleaned) <= longest:
                    for check in self._checks:
                        check(cleaned)
                    return cleaned
        return self.deserialize(text)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        # What is too long however it is cleaned is not even cleaned: a body may be one text.
        if len(text) > self._longest_as_given and len(whole := trimmed(text)) > self._longest_as_given:
            self._length(whole)
        try:
            cleaned = self._clean(text)
        except Fault as fault:
            raise ValidationError(str(fault)) from None
        if text and not cleaned and self._not_blank is not None:
            raise ValidationError(self._not_blank.sentence)
        return cleaned


class Email(Text):
    """An e-mail address, as `people.emails` has it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=255, metadata={"format": "idn-email"} | kwargs.pop("metadata", {}), **kwargs)
        self._clean, self._is_plain = clean_email, False


class Phone(Text):
    """A telephone number as it is written, without what a spreadsheet put around it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=50, **kwargs)
        self._clean, self._is_plain = clean_phone, False


class Items(fields.List[Any]):
    """A list of `least` to `most` items, counted before any of them is looked at; its errors stop at `MOST_ERRORS`.

    marshmallow's own list checks every item of however many first, which lets a small body cost seconds.
    """

    def __init__(self, item: fields.Field[Any], *, most: int, least: int = 0, **kwargs: Any) -> None:
        self._size = validate.Length(min=least or None, max=most)
        super().__init__(item, validate=[self._size, *kwargs.pop("validate", [])], **kwargs)

    def _deserialize(self, value: Any, *_: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        self._size(value)
        loaded, errors = [], {}
        for index, item in enumerate(value):
            try:
                loaded.append(self.inner.deserialize(item, **kwargs))
            except ValidationError as error:
                errors[index] = error.messages
                if len(errors) >= MOST_ERRORS:
                    break
        if errors:
            raise ValidationError(errors)
        return loaded


class Entries(fields.Dict):
    """An object of at most `most` members with names and values of one kind each, counted before it is looked at."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self._size = validate.Length(max=most)
        super().__init__(validate=[self._size, *kwargs.pop("validate", [])], **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, dict):
            self._size(value)
        return super()._deserialize(value, *args, **kwargs)  # type: ignore[no-untyped-call]  # Untyped in marshmallow.


class WholeNumber(fields.Integer):
    """An integer as a JSON number; a text, a boolean or a fraction is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool | str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Id(WholeNumber):
    """The id of a record: an integer from 1 to 2^63 - 1, as a number and not as text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=[ID_RANGE], **kwargs)


class Version(fields.Integer):
    """The version of a record that the client has seen: the number in its ETag."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=[validate.Range(min=1, max=999_999_999)], **kwargs)


class Tags(Items):
    """Tags, not too many; of those that are one word in another case the first stays."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Text(longest=LONGEST_TAG, shortest=1), most=MOST_TAGS, **kwargs)

    def read(self, tags: list[str]) -> Any:
        """What `deserialize` makes of these tags, in a tenth of the time where nothing is wrong with them."""
        if len(tags) <= MOST_TAGS and all(tag and len(tag) <= LONGEST_TAG and tag.isascii() for tag in tags):
            with suppress(Fault):
                return distinct_tags(tags)
        return self.deserialize(tags)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return distinct_tags(super()._deserialize(value, *args, **kwargs))


class IdText(fields.Integer):
    """The id of a record in a query string: its digits."""

    _digits = re.compile(r"[0-9]{1,19}\Z")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Range(min=1, max=LARGEST_ID)], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or self._digits.match(value) is None:
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


class AccessOut(OutSchema):
    """A refusal of somebody with a valid token."""

    id = fields.Integer(
        required=True,
        validate=ID_RANGE,
        metadata={"description": "The microsecond of the refusal since 1970; no table holds these records."},
    )
    company_id = fields.Integer(required=True, validate=ID_RANGE)
    version = fields.Integer(required=True, validate=validate.OneOf((1,)))
    user_id = fields.Integer(required=True, validate=ID_RANGE)
    role = fields.String(
        required=True,
        validate=validate.Regexp(r"^[a-z_]{1,32}$"),
        metadata={"description": "As the token says; api_key for a machine."},
    )
    session_id = fields.String(
        required=True,
        validate=validate.Length(max=36),
        metadata={"description": "The session, or the API key, that the token was of."},
    )
    route = fields.String(
        required=True,
        validate=validate.Length(max=300),
        metadata={"description": "Method and path as the API's description writes them."},
    )
    code = fields.String(
        required=True,
        validate=validate.Length(max=100),
        metadata={"description": "Why, as the answer said: permission_missing for instance."},
    )
    detail = fields.String(required=True)
    created_at = Timestamp(required=True)


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


def load(schema: marshmallow.Schema, document: object) -> dict[str, Any]:
    """Check a parsed document by `schema`. Raises Invalid."""
    try:
        loaded: dict[str, Any] = schema.load(document)  # type: ignore[arg-type]  # It refuses non-objects.
    except ValidationError as error:
        raise Invalid("validation_failed", "Some fields are not as they should be.", faults_of(error)) from None
    return loaded


def faults_of(error: ValidationError) -> tuple[FieldError, ...]:
    """What is wrong with which field, as far as it is worth saying."""
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]  # Untyped in marshmallow.
    return tuple(islice(_flatten(messages, ""), MOST_ERRORS))


def _flatten(messages: Any, pointer: str) -> Iterator[FieldError]:
    """Marshmallow's nested messages as a flat list with JSON Pointers (RFC 6901)."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            name = str(key).replace("~", "~0").replace("/", "~1")
            yield from _flatten(inner, pointer if key == "_schema" else f"{pointer}/{name}")
    else:
        for message in messages:
            yield FieldError(pointer, _CODES.get(str(message), "invalid"), str(message))
