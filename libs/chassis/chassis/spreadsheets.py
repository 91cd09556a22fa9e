"""Cells of a table for people who open it in a spreadsheet: none of them is run as a formula. Pure."""

import re
from typing import Any

# What a spreadsheet would run (OWASP, "CSV Injection"), in characters of full width, small ones and mathematical ones
# as well. It may begin a cell, or a line of it, or what stands behind a separator: which one that is depends on the
# country of the reader.
_SIGNS = "=+\\-@\t\r＝＋－＠﹦﹢﹣﹫−"  # noqa: RUF001  # These characters are meant.
_FORMULA = re.compile(rf"(?:\A|(?<=[;,\t\r\n|]))(?P<mark>'*)(?=[ \u00a0]*[{_SIGNS}])")
# A phone number begins with a plus sign and is none: it has no letter that could name a cell or a function. Neither is
# a number below zero.
_HARMLESS = re.compile(r"\+[0-9][0-9 ()/.\-]*\Z|-[0-9]+(?:\.[0-9]+)?\Z")


def neutral(value: Any) -> str:
    """A value as the text of a cell that no spreadsheet takes for a formula: a quotation mark goes before such."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ";".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if _HARMLESS.match(text) else _FORMULA.sub(r"'\g<mark>", text)


def original(text: str) -> str:
    """The text of a cell as it was before `neutral`, so that what was exported can be imported again."""
    return _FORMULA.sub(lambda found: found["mark"][1:], text)
