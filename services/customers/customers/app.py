"""The customers service, wired: what its processes have in common."""

from chassis.config import Settings
from chassis.service import Service, migrations_of
from customers import handlers, models
from customers.commands.conflicts import CONFLICTS

SERVICE = Service(
    name="customers",
    title="Customers",
    settings=Settings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
    conflicts=CONFLICTS,
    required=("service_urls", "service_key"),
    references=models.REFERENCES,
)
