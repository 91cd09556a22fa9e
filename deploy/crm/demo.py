"""The demo data: two tenants and their customers, the same at every run."""

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CUSTOMERS = 40


@dataclass(frozen=True)
class Tenant:
    """A demo company, its admin, and the seed of its customers."""

    key: str
    company: str
    email: str
    first_name: str
    last_name: str
    seed: int


NORTHWIND = Tenant("northwind", "Northwind Traders", "admin@northwind.example", "Nadia", "North", 1)
CONTOSO = Tenant("contoso", "Contoso Field Services", "admin@contoso.example", "Carlos", "Conti", 2)
TENANTS = (NORTHWIND, CONTOSO)


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Ada Amir Anika Bruno Carmen Chloe Daniel Elena Farid Fatima Grace Hana Hugo Ines Ivan Jonas Kofi Lena Leila Liam "
    "Maya Mateo Mei Nora Noah Olga Omar Paula Priya Rosa Samir Sofia Stefan Tara Tomás Uma Viktor Wanda Yusuf Zoë"
)
_LAST = _words(
    "Abbott Almeida Banerjee Berg Castillo Chen Dubois Eriksen Fischer Gallo Haddad Ivanova Jansen Kaur Kowalski "
    "Larsen Lindqvist Mbeki Moreau Nakamura Novak Okafor Ortega Patel Petrov Quinn Rossi Sato Schmidt Silva Tanaka "
    "Usman Vega Weber Wilson Yamada Young Zhang Zimmer Ziegler"
)
_BUSINESS = _words(
    "Alder Amber Aspen Beacon Birch Bright Cedar Clear Coastal Copper Delta Ember Fern Granite Harbor Heron Iron "
    "Juniper Kestrel Lark Linden Maple Meridian Noble North Oak Orchard Pioneer Quarry Raven River Sable Silver Stone "
    "Summit Tidal Union Vertex Willow Zephyr"
)
# A trade and the industry it belongs to.
_TRADES = (
    ("Analytics", "Technology"),
    ("Software", "Technology"),
    ("Clinics", "Healthcare"),
    ("Dental", "Healthcare"),
    ("Capital", "Finance"),
    ("Outfitters", "Retail"),
    ("Foods", "Retail"),
    ("Tooling", "Manufacturing"),
    ("Plastics", "Manufacturing"),
    ("Academy", "Education"),
    ("Properties", "Real Estate"),
    ("Advisors", "Consulting"),
    ("Logistics", "Other"),
)
# City, state, country, postal code, calling code.
_PLACES = (
    ("Seattle", "WA", "United States", "98101", "+1 206"),
    ("Austin", "TX", "United States", "78701", "+1 512"),
    ("Toronto", "ON", "Canada", "M5H 2N2", "+1 416"),
    ("London", None, "United Kingdom", "EC1A 1BB", "+44 20"),
    ("Hamburg", None, "Germany", "20095", "+49 40"),
    ("Lyon", None, "France", "69002", "+33 4"),
    ("Milano", None, "Italy", "20121", "+39 02"),
    ("Nagoya", None, "Japan", "460-0008", "+81 52"),
    ("Nairobi", None, "Kenya", "00100", "+254 20"),
    ("São Paulo", "SP", "Brazil", "01310-100", "+55 11"),
)
_STREETS = ("Market Street", "Harbour Road", "Station Square", "Mill Lane", "Park Avenue", "Canal Street")
_SOURCES = ("Website", "Referral", "Trade fair", "Cold call", "Partner", "Newsletter")
_TAGS = ("vip", "newsletter", "renewal", "wholesale", "support-plan", "pilot")


def customers(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """The tenant's customers as bodies of POST /v1/customers; the code makes each of them recognisable."""
    chance = random.Random(tenant.seed)  # noqa: S311  # Repeatable on purpose.
    names = chance.sample(_BUSINESS, _CUSTOMERS)
    people = chance.sample([(first, last) for first in _FIRST for last in _LAST], _CUSTOMERS)
    for number, (name, (first, last)) in enumerate(zip(names, people, strict=True), start=1):
        yield _customer(chance, number, name, f"{first} {last}")


def _customer(chance: random.Random, number: int, business_name: str, person: str) -> dict[str, Any]:
    city, state, country, zip_code, calling_code = chance.choice(_PLACES)
    trade, industry = chance.choice(_TRADES)
    is_business = chance.random() < 0.7  # noqa: PLR2004  # Most customers of both companies are businesses.
    domain = f"{business_name}-{trade}.example".lower()
    mailbox = unicodedata.normalize("NFKD", person.partition(" ")[0]).encode("ascii", "ignore").decode().lower()
    customer = {
        "customer_code": f"DEMO-{number:03}",
        "name": f"{business_name} {trade}" if is_business else person,
        "customer_type": "business" if is_business else "individual",
        "email": f"{mailbox}@{domain}",
        "phone": f"{calling_code} 555 {chance.randrange(100, 200):04}",
        "address": f"{chance.randrange(1, 200)} {chance.choice(_STREETS)}",
        "city": city,
        "country": country,
        "zip_code": zip_code,
        "status": chance.choices(("active", "prospect", "inactive", "lost"), (60, 25, 10, 5))[0],
        "priority": chance.choices(("low", "medium", "high"), (25, 55, 20))[0],
        "source": chance.choice(_SOURCES),
        "credit_limit": f"{chance.choice((0, 1_000, 2_500, 5_000, 10_000, 25_000))}.00",
        "tags": sorted(chance.sample(_TAGS, chance.randrange(3))),
    }
    if is_business:
        customer |= {"company_name": f"{business_name} {trade}", "industry": industry, "website": f"https://{domain}"}
        customer["notes"] = f"Main contact: {person}."
    return customer | ({"state": state} if state else {})
