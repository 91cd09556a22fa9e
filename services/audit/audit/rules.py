"""What becomes of an event's loose ends: an address or a text that PostgreSQL would refuse must not lose the record."""

from functools import lru_cache
from ipaddress import ip_address

LONGEST_REQUEST_ID = 64
LONGEST_SOURCE = 100


def address(value: object) -> str | None:
    """The IP address, or None for what is none: the change itself is worth more than where it came from."""
    return _address(value) if isinstance(value, str) else None


@lru_cache(maxsize=1000)  # Who does much comes from few.
def _address(value: str) -> str | None:
    if "%" in value:  # Python knows scoped addresses, PostgreSQL's inet does not.
        return None
    try:
        return str(ip_address(value))
    except ValueError:
        return None


def text(value: object, longest: int | None = None) -> str | None:
    """The text without NUL, which PostgreSQL cannot store, cut to `longest` characters; None for what is no text."""
    return value.replace("\x00", "")[:longest] if isinstance(value, str) else None
