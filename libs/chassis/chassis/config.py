"""Settings: read once from the environment, typed, frozen; a process with a missing one refuses to start."""

import re
import sys
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import NoReturn, Self

from environs import EnvError, FileAwareEnv

EX_CONFIG = 78  # sysexits.h: something was found in an unconfigured or misconfigured state.
# Beyond the threads that the gateway uses: for health checks, and for what services and the gateway's agent ask.
SPARE_THREADS = 2
# Threads, for each that works on requests, for who waits for what a request has begun; the gateway has as many places.
WAITING_THREADS = 2
SHORTEST_SECRET = 32
_SERVICE_URL = re.compile(r"[a-z_]+=https?://[A-Za-z0-9.\[\]:-]+\Z")


class SettingsError(Exception):
    """The environment lacks settings; `problems` says each in a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every process of every service is told. A service adds its own fields in a subclass.

    A field's upper-case name is its environment variable, and NAME_FILE the path of a file that holds it. Fields
    without a default are required.
    """

    database_url: str
    relay_database_url: str = ""
    owner_database_url: str = ""
    ingest_database_url: str = ""
    broker_url: str = ""
    owner_broker_url: str = ""
    jwks_url: str = ""
    cursor_secret: str = ""
    # Where the services are that this one asks (`identity=http://… customers=http://…`), and what lets it in there.
    service_urls: str = ""
    service_key: str = ""
    token_issuer: str = "crm"  # noqa: S105  # A name, not a secret.
    token_audience: str = "crm"  # noqa: S105  # A name, not a secret.
    web_bind: str = "127.0.0.1:8000"
    web_workers: int = 2
    # Requests that one process works on at a time, as far as they come through the gateway; see SPARE_THREADS and
    # WAITING_THREADS.
    web_threads: int = 6
    metrics_bind: str = ""
    log_level: str = "info"
    # A collector of traces that takes OTLP over HTTP; without it there are none.
    otel_exporter_otlp_endpoint: str = ""
    service_version: str = "0.1.0"

    @classmethod
    def from_environment(cls, *, required: tuple[str, ...] = ()) -> Self:
        """Read every field; `required` names those that this process cannot do without although they have a default.

        Raises SettingsError with every missing or malformed name at once.
        """
        # What is written by hand ends with a newline.
        env = FileAwareEnv(strip_whitespace=True)
        values: dict[str, object] = {}
        problems: list[str] = []
        readers: dict[object, Callable[..., object]] = {int: env.int, str: env.str, bool: env.bool}
        for spec in fields(cls):
            name = spec.name.upper()
            try:
                value = readers[spec.type](name, default=None)
            except (EnvError, ValueError) as error:
                problems.append(f"{name} cannot be read: {error}")
                continue
            if value not in (None, ""):
                values[spec.name] = value
            elif spec.name in required or spec.default is MISSING:
                problems.append(f"{name} is not set (nor {name}_FILE)")
        for name in ("cursor_secret", "service_key"):
            secret = values.get(name)
            if isinstance(secret, str) and len(secret) < SHORTEST_SECRET:
                problems.append(f"{name.upper()} is shorter than {SHORTEST_SECRET} characters")
        if not all(map(_SERVICE_URL.match, str(values.get("service_urls", "")).split())):
            problems.append("SERVICE_URLS has an entry that is not <service>=http(s)://<host>[:<port>]")
        if problems:
            raise SettingsError(problems)
        return cls(**values)  # type: ignore[arg-type]  # Each value was read with the reader of its field's type.

    def service_url(self, name: str) -> str | None:
        """The base URL of another service, or None where this one was not told."""
        return self.services().get(name)

    def services(self) -> dict[str, str]:
        """The base URLs of the services that this one asks, by their names."""
        return dict(entry.split("=", 1) for entry in self.service_urls.split())


def exit_with(error: SettingsError) -> NoReturn:
    """Say every problem in a line of its own on stderr and leave with EX_CONFIG."""
    for problem in error.problems:
        print(problem, file=sys.stderr)  # noqa: T201  # Logging is not configured yet: it is a setting itself.
    raise SystemExit(EX_CONFIG)
