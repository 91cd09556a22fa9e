"""What several bodies ask of a field."""

from marshmallow import validate

from customers import rules

# In Python, though not in JSON Schema, $ also matches before a last line feed.
EMAIL = validate.Regexp(rf"{rules.EMAIL_PATTERN}(?!\n)", error="This is no e-mail address.")
