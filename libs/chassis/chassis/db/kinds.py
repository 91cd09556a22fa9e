"""Kinds of fields: how the text of a filter is read, which operators a kind takes, and each of these as SQL."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, bindparam, func, select

from people.emails import email_key

# The operators that ask whether two values are equal.
OF_EQUALS = ("eq", "ne", "in")
# The operators of a condition that has no value in SQL.
ON_NULLS = ("is_null", "not_null")
# What the operator of a condition begins with that is one of a filter's words; the word is the rest of it.
OF_WORD = "="
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_DIGITS = re.compile(r"-?[0-9]{1,19}\Z")
_AMOUNT = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,10})?\Z")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of field: how its text is read (ValueError says what is wanted) and which operators it takes.

    `choices` are its values where there are few. `key` is what of a value is compared where it is to be equal.
    """

    parse: Callable[[str], Any]
    operators: tuple[str, ...]
    description: str
    choices: tuple[str, ...] = ()
    key: Callable[[str], str] | None = None


def _integer(text: str) -> int:
    # Python turns no more than 4300 digits into a number, and says so in words for programmers.
    if not _DIGITS.match(text) or not _SMALLEST <= int(text) <= _LARGEST:
        raise ValueError(f"a whole number from {_SMALLEST} to {_LARGEST} is wanted")
    return int(text)


def _timestamp(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("an RFC 3339 timestamp is wanted, such as 2026-11-22T03:50:38Z") from None
    if value.tzinfo is None:
        raise ValueError("the timestamp needs a time zone, such as Z")
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if _DAY.match(text) else "")
    except ValueError:
        raise ValueError("a date is wanted, such as 2026-11-22") from None


def _decimal(text: str) -> Decimal:
    if not _AMOUNT.match(text):
        raise ValueError("a decimal number is wanted, such as 1234.50")
    return Decimal(text)


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("NUL is not a character here")
    return text


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false is wanted")
    return text == "true"


RANK = Kind(float, (), "rank")
BOOLEAN = Kind(_boolean, ("eq",), "boolean")
INTEGER = Kind(_integer, ("eq", "ne", "gt", "gte", "lt", "lte", "in", "is_null"), "integer")
DECIMAL = Kind(_decimal, ("eq", "ne", "gt", "gte", "lt", "lte", "in", "is_null"), "decimal")
TIMESTAMP = Kind(_timestamp, ("eq", "gt", "gte", "lt", "lte", "is_null"), "timestamp")
DATE = Kind(_day, ("eq", "gt", "gte", "lt", "lte", "is_null"), "date")
LABEL = Kind(_text, ("eq",), "text")
TEXT = Kind(_text, ("eq", "ne", "in", "contains", "is_null"), "text")
# A mailbox is the same in capital letters and small ones.
EMAIL = replace(TEXT, key=lambda text: email_key(text) or "")


@cache
def choice_of(*values: str) -> Kind:
    """A text that has only these values; another one in a filter is a typing error, which would find nothing."""

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"one of {', '.join(values)} is wanted")
        return text

    return Kind(parse, ("eq", "ne", "in", "is_null"), "text", values)


def condition(column: ColumnElement[Any], operator: str, name: str) -> ColumnElement[bool]:  # noqa: PLR0911  # A table.
    """A condition as SQL; its value is the parameter `name`, which the operators on nulls do not have."""
    value = bindparam(name, type_=column.type)
    match operator:
        case "eq":
            return column == value
        case "ne":
            return column.is_distinct_from(value)
        case "gt":
            return column > value
        case "gte":
            return column >= value
        case "lt":
            return column < value
        case "lte":
            return column <= value
        case "in":
            return column == any_(bindparam(name, type_=ARRAY(column.type)))
        case "contains":
            # What ILIKE does, but for the value, which that would put into lower case again for every row.
            return func.lower(column).like(select(func.lower(value)).scalar_subquery())
        case "is_null":
            return column.is_(None)
        case _:
            return column.is_not(None)


def kind_of(column: ColumnElement[Any]) -> Kind:
    """The kind whose text reads back what a cursor holds of `column`."""
    python_type = column.type.python_type
    return {int: INTEGER, datetime: TIMESTAMP, date: DATE, Decimal: DECIMAL}.get(python_type, TEXT)
