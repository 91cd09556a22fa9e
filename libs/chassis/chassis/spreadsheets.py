"""Cells of a table for people who open it in a spreadsheet: none of them is run as a formula. Pure."""

import re
from typing import Any

# What a spreadsheet would run (OWASP, "CSV Injection"). A phone number begins with a plus sign and is none.
_FORMULA = re.compile(r"(?!\+[0-9 ]+\Z)[=+\-@\t\r]")


def neutral(value: Any) -> str:
    """A value as the text of a cell that no spreadsheet takes for a formula: a quotation mark goes before such."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ";".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def original(text: str) -> str:
    """The text of a cell as it was before `neutral`, so that what was exported can be imported again."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
