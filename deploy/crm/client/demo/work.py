"""What the people of a demo company have done in a year, and what they still have to do."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.client.demo.customers import customers
from crm.client.demo.tenants import Tenant

# Few enough to be sent in one request, which either makes all of them or none.
ACTIVITIES, TASKS = 420, 48
_TITLES = {
    "call": ("Introduced ourselves", "Asked about the budget", "Talked about the offer", "Checked in"),
    "email": ("Sent the price list", "Sent the offer", "Answered questions on delivery", "Sent the contract"),
    "meeting": ("Demonstration", "Visit on site", "Talked about the contract", "Review of the quarter"),
    "note": ("Prefers to be called in the morning", "Decides together with finance", "Compares us with two others"),
}
_OUTCOMES = ("Wants an offer", "Asks for time until next month", "Agreed", "Nobody there", None)
_TO_DO = ("Call back", "Send the offer", "Prepare the demonstration", "Ask for a decision", "Renew the contract")
_TYPES = ("call", "email", "meeting", "general")
_PRIORITIES = ("low", "medium", "medium", "high", "urgent")
# Days from today: some overdue, some today's, the others to come.
_DUE = (-9, -4, -2, -1, 0, 0, 0, 1, 1, 2, 3, 5, 8, 13, 21, 34)


@dataclass(frozen=True)
class Done:
    """Something that was done with the customer of this code; `who` counts the people of the company."""

    customer_code: str
    who: int
    activity_type: str
    title: str
    outcome: str | None
    minutes: int | None
    minutes_ago: int

    def at(self, now: datetime) -> datetime:
        """When it was done."""
        return now - timedelta(minutes=self.minutes_ago)


@dataclass(frozen=True)
class ToDo:
    """Something that somebody has to do with the customer of this code."""

    customer_code: str
    who: int
    title: str
    task_type: str
    priority: str
    days: int

    def due_on(self, today: date) -> date:
        """The day that it is due on."""
        return today + timedelta(days=self.days)


def activities(tenant: Tenant) -> list[Done]:
    """A year of calls, mails, meetings and notes, more of late than long ago; the same at every call."""
    chance = random.Random(tenant.seed * 101)  # noqa: S311  # Repeatable on purpose.
    known = customers(tenant)
    found = []
    for _ in range(ACTIVITIES):
        customer = chance.choice(known)
        kind = chance.choice(tuple(_TITLES))
        # Nobody has spoken with a customer before there was one.
        minutes_ago = 10 + int(customer.days_ago * 1440 * chance.random())
        length = chance.choice((5, 10, 15, 30, 60)) if kind in ("call", "meeting") else None
        outcome = chance.choice(_OUTCOMES) if kind != "note" else None
        who = chance.randrange(len(tenant.members) + 1)
        found.append(Done(customer.code, who, kind, chance.choice(_TITLES[kind]), outcome, length, minutes_ago))
    return found


def tasks(tenant: Tenant) -> list[ToDo]:
    """Overdue ones, those of today and those to come; the same at every call."""
    chance = random.Random(tenant.seed * 103)  # noqa: S311  # Repeatable on purpose.
    known = customers(tenant)
    return [
        ToDo(
            chance.choice(known).code,
            chance.randrange(len(tenant.members) + 1),
            chance.choice(_TO_DO),
            chance.choice(_TYPES),
            chance.choice(_PRIORITIES),
            _DUE[number % len(_DUE)],
        )
        for number in range(TASKS)
    ]
