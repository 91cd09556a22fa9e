"""The audit service, wired: what its processes have in common."""

from audit import handlers, models
from chassis.config import Settings
from chassis.service import Service, migrations_of

SERVICE = Service(
    name="audit",
    title="Audit",
    settings=Settings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
)
