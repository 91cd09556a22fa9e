"""The people at some of a demo company's customers."""

import random
from dataclasses import dataclass

from crm.client.demo import words
from crm.client.demo.customers import customers, slug
from crm.client.demo.tenants import Tenant

# Every so many-th business with a website has its people entered.
_EVERY = 7


@dataclass(frozen=True)
class Contact:
    """Somebody who works at the customer with this code."""

    customer_code: str
    first_name: str
    last_name: str
    email: str
    job_title: str
    is_primary: bool


def contacts(tenant: Tenant) -> list[Contact]:
    """A few dozen, the same at every call; the first at a customer is the primary one."""
    chance = random.Random(tenant.seed)  # noqa: S311  # Repeatable on purpose.
    businesses = [customer for customer in customers(tenant) if "www." in customer.website]
    found = []
    for customer in businesses[::_EVERY]:
        domain = customer.website.partition("www.")[2]
        first, _, last = customer.contact.partition(" ")
        address = f"{slug(first)}.{slug(last)}@{domain}"
        found.append(Contact(customer.code, first, last, address, chance.choice(words.JOBS), is_primary=True))
        if chance.random() < 0.4:  # noqa: PLR2004  # Not many know two people there.
            name = chance.choice(words.FIRST_NAMES["english"])
            again = f"{slug(name)}.{slug(last)}@{domain}"
            found.append(Contact(customer.code, name, last, again, chance.choice(words.JOBS), is_primary=False))
    return found
