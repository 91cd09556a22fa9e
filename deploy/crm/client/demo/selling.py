"""What a demo company has sold in a year, what it has lost, who has asked, and what it hopes for."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.client.demo.customers import customers
from crm.client.demo.tenants import Tenant

# Few enough to be sent in one request, which either makes all of them or none.
DEALS, LEADS = 160, 90
# After so many days in a stage an open deal is stale, and a lead is.
STALE_AFTER = {"prospect": 30, "qualified": 30, "proposal": 21, "negotiation": 14}
LEADS_STALE_AFTER = {"New": 7, "Contacted": 14, "Qualified": 30, "Proposal": 21, "Negotiation": 14}
_OPEN = tuple(STALE_AFTER)
_WON, _LOST, _LEAD_LOST = "closed_won", "closed_lost", "Closed Lost"
_REASONS = ("Price", "Competitor", "No budget", "No decision", "Missing feature")
_THINGS = ("Starter package", "Yearly licence", "Roll-out", "Extension", "Renewal", "Support contract", "Pilot")
_SOURCES = ("Website", "Fair", "Referral", "Newsletter", "Cold call")
_LEAD_STAGES = ("New", "New", "Contacted", "Contacted", "Qualified", "Proposal", "Negotiation", _LEAD_LOST, _LEAD_LOST)
_PRIORITIES = ("low", "medium", "medium", "high")
# Open deals are expected to close then, in days from today: some should have closed already.
_EXPECTED = (-20, -6, 4, 11, 19, 33, 47, 75, None)


@dataclass(frozen=True)
class DemoDeal:
    """A deal with the customer of this code; `who` counts the people of the company."""

    customer_code: str
    who: int
    name: str
    value: int
    stage: str
    days_ago: int
    closed_after: int | None
    reason: str | None
    expected_in: int | None

    def created_at(self, now: datetime) -> datetime:
        """When it was created."""
        return now - timedelta(days=self.days_ago, minutes=7 * self.value % 480)

    def closed_at(self, now: datetime) -> datetime | None:
        """When it was won or lost."""
        return None if self.closed_after is None else self.created_at(now) + timedelta(days=self.closed_after)

    def expected_on(self, now: datetime) -> date | None:
        """The day that an open one is expected to close."""
        return None if self.expected_in is None else (now + timedelta(days=self.expected_in)).date()


@dataclass(frozen=True)
class DemoLead:
    """Somebody who may become a customer, since so many days; one that is lost was lost so many days later."""

    who: int
    name: str
    email: str
    source: str
    stage: str
    value: int
    priority: str
    reason: str | None
    days_ago: int
    lost_after: int | None
    expected_in: int | None

    def created_at(self, now: datetime) -> datetime:
        """When they asked."""
        return now - timedelta(days=self.days_ago, minutes=11 * self.value % 480)

    def closed_at(self, now: datetime) -> datetime | None:
        """When they were lost."""
        return None if self.lost_after is None else self.created_at(now) + timedelta(days=self.lost_after)

    def expected_on(self, now: datetime) -> date | None:
        """The day by which an open one is expected to decide."""
        return None if self.expected_in is None else (now + timedelta(days=self.expected_in)).date()


def deals(tenant: Tenant) -> list[DemoDeal]:
    """A year of deals: more won than lost, and the open ones young and old; the same at every call."""
    chance = random.Random(tenant.seed * 107)  # noqa: S311  # Repeatable on purpose.
    known = [customer for customer in customers(tenant) if customer.days_ago > 1]
    found = []
    for _ in range(DEALS):
        customer = chance.choice(known)
        stage = chance.choices((*_OPEN, _WON, _LOST), (14, 10, 8, 6, 36, 26))[0]
        # Nobody has sold to a customer before there was one.
        days_ago = 1 + int((customer.days_ago - 1) * chance.random())
        closed = stage in (_WON, _LOST)
        found.append(
            DemoDeal(
                customer_code=customer.code,
                who=chance.randrange(len(tenant.members) + 1),
                name=f"{chance.choice(_THINGS)} for {customer.company or customer.name}",
                value=chance.choice((1, 2, 3, 5, 8, 13, 21)) * chance.choice((250, 400, 1000)),
                stage=stage,
                days_ago=days_ago,
                closed_after=int(days_ago * chance.uniform(0.2, 0.95)) if closed else None,
                reason=chance.choice(_REASONS) if stage == _LOST else None,
                expected_in=None if closed else chance.choice(_EXPECTED),
            )
        )
    return found


def leads(tenant: Tenant) -> list[DemoLead]:
    """A year of people who have asked for something: the open ones young and old; the same at every call."""
    chance = random.Random(tenant.seed * 109)  # noqa: S311  # Repeatable on purpose.
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    chosen = chance.sample(names, LEADS)
    found = []
    for number, name in enumerate(chosen):
        stage = chance.choice(_LEAD_STAGES)
        lost = stage == _LEAD_LOST
        # Most leads are young: an old one is lost, or nobody has looked at it for long.
        days_ago = 1 + int(360 * (chance.random() if lost else chance.random() ** 2))
        found.append(
            DemoLead(
                who=chance.randrange(len(tenant.members) + 1),
                name=name,
                email=f"{name.lower().replace(' ', '.')}.{number}@lead.example",
                source=chance.choice(_SOURCES),
                stage=stage,
                value=chance.choice((500, 900, 1500, 4000, 9000)),
                priority=chance.choice(_PRIORITIES),
                reason=chance.choice(_REASONS) if lost else None,
                days_ago=days_ago,
                lost_after=int(days_ago * chance.uniform(0.2, 0.95)) if lost else None,
                expected_in=None if lost else chance.choice(_EXPECTED),
            )
        )
    return found


_FIRST = ("Amira", "Ben", "Chiara", "Daniel", "Esra", "Filip", "Grace", "Hugo", "Ines", "Jakob", "Kira", "Leo")
_LAST = ("Adler", "Brandt", "Costa", "Dahl", "Evans", "Fontaine", "Garcia", "Hansen")
