"""One demo customer."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer as texts. `days_ago`, `minute` and `at_weekend` say when it was created; `contact` works there."""

    code: str = ""
    name: str = ""
    company: str = ""
    kind: str = ""
    contact: str = ""
    email: str = ""
    phone: str
    second_phone: str = ""
    street: str
    city: str
    state: str
    country: str
    postal_code: str
    industry: str = ""
    website: str = ""
    status: str
    priority: str
    source: str
    credit_limit: str = ""
    tags: tuple[str, ...]
    owner: str
    notes: str
    days_ago: int
    minute: int
    at_weekend: bool
