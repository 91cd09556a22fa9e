"""What several bodies ask of a field."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from chassis.web.schemas import Items, Text
from customers import rules

# In Python, though not in JSON Schema, $ also matches before a last line feed.
EMAIL = validate.Regexp(rf"{rules.EMAIL_PATTERN}(?!\n)", error="This is no e-mail address.")


class Version(fields.Integer):
    """The version of a record that the client has seen: the number in its ETag."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=[validate.Range(min=1, max=999_999_999)], **kwargs)


class Tags(Items):
    """Different tags, not too many."""

    def __init__(self, **kwargs: Any) -> None:
        tag = Text(longest=rules.LONGEST_TAG, shortest=1)
        super().__init__(tag, most=rules.MOST_TAGS, validate=[_distinct], **kwargs)


def _distinct(tags: list[str]) -> None:
    if len(set(tags)) != len(tags):
        raise ValidationError("A tag is there twice.")
