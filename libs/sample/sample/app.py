"""The sample service, wired: what its processes have in common."""

from chassis.config import Settings
from chassis.errors import Conflict, FieldError
from chassis.service import Service, migrations_of
from sample import handlers, models

SERVICE = Service(
    name="sample",
    title="Sample",
    settings=Settings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
    conflicts={
        "uq_shelves_company_id_name": Conflict(
            "shelf_exists",
            "There is a shelf of this name already.",
            (FieldError("/name", "taken", "This name is taken."),),
        ),
        "fk_books_company_id_author_id": models.AUTHORS.unknown("/author_id"),
        "fk_books_company_id_assigned_to": models.USERS.unknown("/assigned_to"),
    },
    required=("service_urls", "service_key"),
    references=models.REFERENCES,
    open_codes={"*_archived": ("author_archived",)},
)
