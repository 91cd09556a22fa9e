"""gunicorn's settings of the floors: those of the services, but for what a service checks before it answers."""

from typing import Any

from chassis.web import gunicorn

globals().update({name: value for name, value in vars(gunicorn).items() if not name.startswith("_")})


def post_worker_init(worker: Any) -> None:
    """Check nothing: a floor is a function and no service."""
