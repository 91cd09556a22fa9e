"""What a customer may be: the enumerations and patterns of the data model. Pure, no I/O."""

import re

CUSTOMER_TYPES = ("individual", "business")
STATUSES = ("active", "inactive", "prospect", "lost")
PRIORITIES = ("low", "medium", "high")
INDUSTRIES = (
    "Technology",
    "Healthcare",
    "Finance",
    "Retail",
    "Manufacturing",
    "Education",
    "Real Estate",
    "Consulting",
    "Other",
)
# Codes of this form are given out by the service; a client's own must look different, or the two would collide.
GENERATED_CODE_PATTERN = r"^C-[0-9]+$"
GENERATED_CODE = re.compile(GENERATED_CODE_PATTERN)
CONVERSION_STATES = ("succeeded", "refused", "undone")
