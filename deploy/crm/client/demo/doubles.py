"""Customers that somebody has entered a second time, written in another way: what duplicates look like."""

import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from crm.client.demo.record import Customer

_SPELT_OUT = {"Ltd": "Limited", "Inc.": "Incorporated", "GmbH": "Gmbh", "AB": "Aktiebolag", "SARL": "S.A.R.L."}


def doubles(originals: Sequence[Customer], count: int, chance: random.Random) -> list[Customer]:
    """So many of the originals once more, in all the ways in turn, each entered later than the original."""
    found: list[Customer] = []
    taken: set[str] = set()
    for number in range(count):
        suits, write = _WAYS[number % len(_WAYS)]
        original = chance.choice(
            [known for known in originals if known.days_ago > 30 and known.phone not in taken and suits(known)]  # noqa: PLR2004  # Old enough to be forgotten.
        )
        taken.add(original.phone)
        days_ago = chance.randrange(1, original.days_ago)
        fresh = replace(original, days_ago=days_ago, status="prospect", tags=(), notes="", credit_limit="0.00")
        found.append(write(fresh))
    return found


def _same_mail_in_capitals(customer: Customer) -> Customer:
    """The e-mail address in another case, the phone number of nobody, the name without its legal form."""
    name = customer.name.rpartition(" ")[0] if customer.company else customer.name.upper()
    company = name if customer.company else ""
    return replace(customer, name=name, company=company, email=customer.email.upper(), phone="", website="")


def _same_phone_written_otherwise(customer: Customer) -> Customer:
    """Brackets, dots and slashes in the number, no address, the form of the company spelt out."""
    country, _, rest = customer.phone.partition(" ")
    phone = f"{country} ({re.split('[ -]', rest)[0]}) {'.'.join(re.split('[ -]', rest)[1:])}"
    first, _, form = customer.name.rpartition(" ")
    name = f"{first} {_SPELT_OUT.get(form, form)}"
    return replace(
        customer,
        name=name if name != customer.name else customer.name.upper(),
        company=name if customer.company and name != customer.name else customer.company.upper(),
        phone=phone,
        email="",
        website="",
        street="",
        postal_code="",
    )


def _without_accents(customer: Customer) -> Customer:
    """As somebody types it on an English keyboard."""

    def plain(text: str) -> str:
        decomposed = unicodedata.normalize("NFKD", text)
        return "".join(character for character in decomposed if not unicodedata.combining(character))

    return replace(customer, name=plain(customer.name), company=plain(customer.company), phone="", email="", website="")


def _same_website(customer: Customer) -> Customer:
    """A branch of the same business, found on the Web."""
    website = customer.website.replace("https://www.", "http://") + "/contact"
    name = f"{customer.name.partition(' ')[0]} {customer.city}"
    return replace(customer, name=name, company=name, website=website, phone="", email="")


def _has_accents(customer: Customer) -> bool:
    return any(unicodedata.combining(character) for character in unicodedata.normalize("NFKD", customer.name))


_WAYS: Sequence[tuple[Callable[[Customer], bool], Callable[[Customer], Customer]]] = (
    (lambda _: True, _same_mail_in_capitals),
    (lambda _: True, _same_phone_written_otherwise),
    (_has_accents, _without_accents),
    (lambda customer: bool(customer.website), _same_website),
)
