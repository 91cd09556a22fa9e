"""What a service is made of: one declaration that the web process, the worker and the migrations all start from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.config import Settings
from chassis.db.company_purges import Step
from chassis.errors import AppError
from chassis.references.listening import AnyReference


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service. `conflicts` says what the violation of a named constraint means to a client.

    `open_codes` names the codes that are put together when a failure is raised, by what of them stands in the code:
    `company_*` for `f"company_{status}"`; the documentation needs to know them.

    `required` names the settings of its own that a web process cannot do without. `references` are the kinds of records
    of other services that it keeps, and asks for where no event has told of one yet. `purge_steps` are what it does
    about a purged company before its rows are deleted.
    """

    name: str
    title: str
    settings: type[Settings]
    metadata: MetaData
    migrations: Path
    subscriptions: Subscriptions | None = None
    conflicts: Mapping[str, AppError] = field(default_factory=dict)
    open_codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    schedules: Sequence[Schedule] = ()
    required: tuple[str, ...] = ()
    references: Sequence[AnyReference] = ()
    purge_steps: Sequence[Step] = ()

    def blueprints(self) -> Sequence[Any]:
        """The HTTP routes, `BLUEPRINTS` in `<name>.routes`; loaded when asked for: a worker has no use for Flask."""
        blueprints: Sequence[Any] = import_module(f"{self.name}.routes").BLUEPRINTS
        return blueprints


def load(name: str) -> Service:
    """The service declared as SERVICE in `<name>.app`. Raises ImportError for a name that is none."""
    service = import_module(f"{name}.app").SERVICE
    assert isinstance(service, Service)
    return service


def folder_of_migrations(name: str) -> Path:
    """Where the migrations of `name` are, without loading the service. Raises ImportError for a name that is none."""
    spec = find_spec(f"{name}.app") if find_spec(name) else None
    if spec is None or spec.origin is None:
        raise ImportError(f"No module named '{name}.app'")
    return migrations_of(spec.origin)


def migrations_of(module: str) -> Path:
    """The folder of a service's migrations, given the `__file__` of its app.

    It is beside the package in a checkout, and inside it in a wheel and in an image.
    """
    package = Path(module).resolve().parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"
