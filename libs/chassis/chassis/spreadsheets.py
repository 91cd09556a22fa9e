"""Cells of a table for people who open it in a spreadsheet: none of them is run as a formula. Pure."""

import csv
import io
import re
from typing import Any

from people.phones import EXTENSION_WORDS

# What a spreadsheet would run (OWASP, "CSV Injection"), in characters of full width, small ones and mathematical ones
# as well. It may begin a cell, or a line of it, or what stands behind a separator: which one that is depends on the
# country of the reader.
_SIGNS = "=+\\-@\t\r＝＋－＠﹦﹢﹣﹫−"  # noqa: RUF001  # These characters are meant.
_FORMULA = re.compile(rf"(?:\A|(?<=[;,\t\r\n|]))(?P<mark>'*)(?=[ \u00a0]*[{_SIGNS}])")
# A phone number begins with a plus sign and is none: it has no letter that could name a cell or a function, but for the
# word before an extension, which a dot or a blank divides from its digits. Neither is a number below zero.
_EXTENSION = "|".join(re.escape(word) for word in EXTENSION_WORDS if len(word) > 2)  # noqa: PLR2004  # X1 is a cell.
_HARMLESS = re.compile(
    rf"\+[0-9][0-9 ()/.\-]*(?:(?:{_EXTENSION})[. ]{{1,2}}[0-9]{{1,9}})?\Z|-[0-9]+(?:\.[0-9]+)?\Z", re.IGNORECASE
)
# What divides the items of a list in a cell, or could be more than a sign of the item where it begins one.
_IN_LISTS = re.compile(r"[;,|\n\t#\"\uff1b\uff0c\u3001\u060c]|\A[\[{*'\u2022\u00b7]|:::")


def neutral(value: Any) -> str:
    """A value as the text of a cell that no spreadsheet takes for a formula: a quotation mark goes before such."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _listed(list(map(str, value))) if isinstance(value, list) else str(value)
    return text if _HARMLESS.match(text) else _FORMULA.sub(r"'\g<mark>", text)


def _listed(items: list[str]) -> str:
    """The items of a list as one text: as CSV of its own where one of them has in it what divides them."""
    if not any(map(_IN_LISTS.search, items)):
        return ";".join(items)
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow(items)
    return text.getvalue()


def original(text: str) -> str:
    """The text of a cell as it was before `neutral`, so that what was exported can be imported again."""
    return _FORMULA.sub(lambda found: found["mark"][1:], text)
