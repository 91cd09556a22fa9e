"""The demo companies and who works there."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """Somebody who sells for a demo company."""

    email: str
    first_name: str
    last_name: str
    role: str = "sales_rep"


@dataclass(frozen=True)
class Tenant:
    """A demo company: its admin, its members, how many customers it has and how they spread over countries."""

    key: str
    company: str
    email: str
    first_name: str
    last_name: str
    seed: int
    members: tuple[Member, ...]
    customers: int
    countries: Mapping[str, int]


NORTHWIND = Tenant(
    key="northwind",
    company="Northwind Traders",
    email="admin@northwind.example",
    first_name="Nadia",
    last_name="North",
    seed=1,
    members=(
        Member("olivia.reed@northwind.example", "Olivia", "Reed"),
        Member("marcus.hale@northwind.example", "Marcus", "Hale"),
        Member("priya.nair@northwind.example", "Priya", "Nair"),
    ),
    customers=360,
    countries={"United States": 55, "Canada": 18, "United Kingdom": 15, "Australia": 12},
)
CONTOSO = Tenant(
    key="contoso",
    company="Contoso Field Services",
    email="admin@contoso.example",
    first_name="Carlos",
    last_name="Conti",
    seed=2,
    members=(
        Member("jonas.weber@contoso.example", "Jonas", "Weber"),
        Member("camille.roux@contoso.example", "Camille", "Roux"),
        Member("elin.sandberg@contoso.example", "Elin", "Sandberg"),
    ),
    customers=320,
    countries={"Germany": 42, "France": 25, "United Kingdom": 18, "Sweden": 15},
)
TENANTS = (NORTHWIND, CONTOSO)
