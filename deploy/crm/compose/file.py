"""docker-compose.yml, made from what a stack is made of: `python -m crm.compose.file` writes it."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crm.broker_rights import users
from crm.credentials import Credentials
from crm.environment import own_to, secret_environment, shared
from crm.gateway import ALLOCATOR
from crm.jobs.places import SERVERS, WEB_PORT
from crm.servers.postgres import MAX_CONNECTIONS, SETTINGS
from crm.servers.rabbitmq import ERLANG_ARGUMENTS, VHOST, definitions
from crm.settings import ASKS, KINDS, SENDS_LETTERS, SERVICES, StackSettings

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
_TEMPLATES = ROOT / "deploy" / "docker"
# What is added to it for TLS at the gateway, and by which variables it is told of the certificate.
TLS_FILE = _TEMPLATES / "tls.yml"
TLS_VARIABLES = ("CRM_TLS_FOLDER", "CRM_TLS_BIND")


def text() -> str:
    """What the file holds, with every service of `crm.settings`."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # YAML, made of names from this repository.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("docker-compose.yml.j2").render(
        services=[of_service(name) for name in SERVICES],
        port=WEB_PORT,
        postgres={"max_connections": MAX_CONNECTIONS, **SETTINGS},
        erlang=ERLANG_ARGUMENTS,
        allocator=ALLOCATOR,
        rights=_rights(),
    )


def _rights() -> str:
    """What tells one release's users and rights at the broker from another's; no password is in it."""
    with tempfile.TemporaryDirectory() as scratch:
        given = [replace(user, password="") for user in users(Credentials(Path(scratch)))]
    return hashlib.sha256(definitions(given, (VHOST,)).encode()).hexdigest()[:16]


def of_service(name: str) -> dict[str, Any]:
    """What the processes of a service are told, where its servers have the names that they have in containers."""
    settings = StackSettings()
    # Only the names of the secrets are of interest, and they depend on nothing that is kept.
    with tempfile.TemporaryDirectory() as scratch:
        secrets = list(secret_environment(name, Credentials(Path(scratch)), SERVERS))
    return {
        "name": name,
        "secrets": shared(name, secrets),
        "own": {kind: own_to(name, kind, secrets) for kind in KINDS},
        "asks": " ".join(f"{asked}=http://{asked}-web:{WEB_PORT}" for asked in ASKS.get(name, ())),
        "sends_letters": name in SENDS_LETTERS,
        "workers": settings.web_workers,
        "threads": settings.threads(name),
    }


if __name__ == "__main__":
    FILE.write_text(text())
