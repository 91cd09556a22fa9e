"""The customers of a demo company, as they would stand in a file that somebody exported from another system."""

import csv
import io
import math
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from crm.client.demo import places, words
from crm.client.demo.doubles import doubles
from crm.client.demo.record import Customer
from crm.client.demo.tenants import Tenant

_DAYS = 365
_SATURDAY = 5
_LONGEST_SHIFT = 6
_BUSINESSES = 0.74
_WITH_WEBSITE = 0.8
_WITH_NOTES = 0.6
_WITH_OWNER = 0.93
_WITH_SECOND_PHONE = 0.3
_OF_A_FAMILY = 0.35
_MOST_TAGS = 3
# How old a customer is at most, in days, and how likely then each status is.
_STATUSES: Sequence[tuple[int, Mapping[str, int]]] = (
    (30, {"prospect": 72, "active": 28}),
    (120, {"prospect": 34, "active": 56, "lost": 10}),
    (_DAYS, {"prospect": 4, "active": 70, "inactive": 15, "lost": 11}),
)
_PRIORITIES = {"low": 25, "medium": 55, "high": 20}
_LIMITS = ("1000.00", "2500.00", "5000.00", "10000.00", "25000.00", "50000.00")
_DOUBLE_PAIRS = 12

# The columns of the file, by names that the import knows, and what goes into each.
COLUMNS: Mapping[str, Callable[[Customer], str]] = {
    "Customer code": lambda customer: customer.code,
    "Name": lambda customer: customer.name,
    "Company": lambda customer: customer.company,
    "Type": lambda customer: customer.kind,
    "E-mail": lambda customer: customer.email,
    "Phone": lambda customer: customer.phone,
    "Mobile": lambda customer: customer.second_phone,
    "Street": lambda customer: customer.street,
    "City": lambda customer: customer.city,
    "State": lambda customer: customer.state,
    "Country": lambda customer: customer.country,
    "Postal code": lambda customer: customer.postal_code,
    "Industry": lambda customer: customer.industry,
    "Website": lambda customer: customer.website,
    "Status": lambda customer: customer.status,
    "Priority": lambda customer: customer.priority,
    "Source": lambda customer: customer.source,
    "Credit limit": lambda customer: customer.credit_limit,
    "Tags": lambda customer: ";".join(customer.tags),
    "Owner": lambda customer: customer.owner,
    "Notes": lambda customer: customer.notes,
}


def customers(tenant: Tenant) -> list[Customer]:
    """The tenant's customers, the oldest first, with a dozen of them a second time; the same at every call."""
    chance = random.Random(tenant.seed)  # noqa: S311  # Repeatable on purpose.
    maker = _Maker(tenant, chance)
    made = [maker.customer() for _ in range(tenant.customers - _DOUBLE_PAIRS)]
    made += doubles(made, _DOUBLE_PAIRS, chance)
    made.sort(key=lambda customer: -customer.days_ago)
    return [replace(customer, code=f"DEMO-{number:03}") for number, customer in enumerate(made, start=1)]


def write_csv(tenant: Tenant, now: datetime) -> bytes:
    """The tenant's customers as a file whose dates end today."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow([*COLUMNS, "Created at"])
    for customer in customers(tenant):
        moment = created_at(customer, now)
        writer.writerow([*(cell(customer) for cell in COLUMNS.values()), moment.isoformat(timespec="seconds")])
    return target.getvalue().encode()


def created_at(customer: Customer, now: datetime) -> datetime:
    """When a customer was created, if it is `now`: during office hours, and on a weekend only where that was meant."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=customer.days_ago)
    if day.weekday() >= _SATURDAY and not customer.at_weekend:
        # To one of Friday to Monday before.
        day -= timedelta(days=day.weekday() - _SATURDAY + 1 + customer.minute % _SATURDAY)
    return day + timedelta(hours=8, minutes=customer.minute)


def slug(text: str) -> str:
    """A text as it stands in an address."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _choose(chance: random.Random, weights: Mapping[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


class _Maker:
    """Makes customers of whom no two have the same name or number by accident."""

    def __init__(self, tenant: Tenant, chance: random.Random) -> None:
        self._tenant = tenant
        self._chance = chance
        self._taken: set[str] = set()

    def customer(self) -> Customer:
        chance = self._chance
        country = _choose(chance, self._tenant.countries)
        city = chance.choice(places.CITIES[country])
        language = places.LANGUAGES.get(country, places.ENGLISH)
        days_ago = self._days_ago()
        status = _choose(chance, next(weights for oldest, weights in _STATUSES if days_ago <= oldest))
        street = chance.choice(places.STREETS[language]).format(chance.randrange(1, 180))
        customer = Customer(
            phone=self._unused(lambda: self._filled(city.phone)),
            street=street,
            city=city.name,
            state=city.state or "",
            country=country,
            postal_code=self._filled(city.postal),
            status=status,
            priority=_choose(chance, _PRIORITIES),
            source=_choose(chance, words.SOURCES),
            tags=tuple(
                sorted(chance.sample(words.TAGS[status], chance.randrange(min(_MOST_TAGS, len(words.TAGS[status])))))
            ),
            owner=chance.choice(self._tenant.members).email if chance.random() < _WITH_OWNER else "",
            notes=chance.choice(words.NOTES[status]) if chance.random() < _WITH_NOTES else "",
            days_ago=days_ago,
            minute=chance.randrange(10 * 60),
            at_weekend=chance.random() < 0.25,  # noqa: PLR2004  # A quarter of what a weekday would have.
        )
        if chance.random() < _BUSINESSES:
            return self._business(customer, city, language)
        person = self._unused(lambda: self._person(language))
        mailbox = slug(person).replace("-", ".")
        return replace(customer, name=person, kind="individual", email=f"{mailbox}@post.example")

    def _business(self, customer: Customer, city: places.City, language: str) -> Customer:
        chance = self._chance
        industries = dict(words.TRADES[language])

        def stem() -> str:
            family = chance.random() < _OF_A_FAMILY or language != places.ENGLISH
            mark = chance.choice(words.LAST_NAMES[language] if family else words.MARKS)
            return f"{mark} {chance.choice(list(industries))}"

        called = self._unused(stem)
        name = f"{called} {chance.choice(words.FORMS[language])}"
        domain = f"{slug(called)}.example"
        contact = self._person(language)
        return replace(
            customer,
            name=name,
            company=name,
            kind="business",
            contact=contact,
            email=f"{chance.choice(('info', 'office', slug(contact).replace('-', '.')))}@{domain}",
            second_phone=(
                self._unused(lambda: self._filled(city.phone)) if chance.random() < _WITH_SECOND_PHONE else ""
            ),
            industry=industries[called.partition(" ")[2]],
            website=f"https://www.{domain}" if chance.random() < _WITH_WEBSITE else "",
            credit_limit=chance.choice(_LIMITS) if customer.status in ("active", "inactive") else "0.00",
        )

    def _person(self, language: str) -> str:
        return f"{self._chance.choice(words.FIRST_NAMES[language])} {self._chance.choice(words.LAST_NAMES[language])}"

    def _days_ago(self) -> int:
        # The density rises in a line from a half at the beginning to one and a half today; this is its inverse.
        position = (math.sqrt(1 + 8 * self._chance.random()) - 1) / 2
        return 1 + int((1 - position) * (_DAYS - _LONGEST_SHIFT - 1))

    def _filled(self, pattern: str) -> str:
        signs: Mapping[str, str] = {"#": "0123456789", "@": "ABCEHJKLNPRSTX"}
        return "".join(self._chance.choice(signs[sign]) if sign in signs else sign for sign in pattern)

    def _unused(self, make: Callable[[], str]) -> str:
        return next(text for text in _again(make) if self._take(text))

    def _take(self, text: str) -> bool:
        if text in self._taken:
            return False
        self._taken.add(text)
        return True


def _again(make: Callable[[], str]) -> Iterator[str]:
    while True:
        yield make()
