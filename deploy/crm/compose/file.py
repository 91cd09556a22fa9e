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
from crm.jobs.places import ARCHIVE_READER, SERVERS, WEB_PORT
from crm.servers.archive import CONFIGURATION, server_settings
from crm.servers.postgres import BACKEND_ALLOCATOR, MAX_CONNECTIONS, SETTINGS
from crm.servers.rabbitmq import ERLANG_ARGUMENTS, VHOST, definitions
from crm.settings import ASKS, KINDS, SENDS_LETTERS, SERVICES, StackSettings

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
_TEMPLATES = ROOT / "deploy" / "docker"
# What is added to it for TLS at the gateway, and by which variables it is told of the certificate.
TLS_FILE = _TEMPLATES / "tls.yml"
TLS_VARIABLES = ("CRM_TLS_FOLDER", "CRM_TLS_BIND")
# What is added to it for an archive, and by which variable it is told where that is.
ARCHIVE_FILE = _TEMPLATES / "archive.yml"
ARCHIVE_VARIABLES = ("CRM_ARCHIVE",)
_POSTGRES = {"max_connections": MAX_CONNECTIONS, **SETTINGS}


def text() -> str:
    """What the file holds, with every service of `crm.settings`."""
    return (
        _environment()
        .get_template("docker-compose.yml.j2")
        .render(
            services=[of_service(name) for name in SERVICES],
            port=WEB_PORT,
            postgres=_POSTGRES,
            erlang=ERLANG_ARGUMENTS,
            allocator=ALLOCATOR,
            postgres_allocator=BACKEND_ALLOCATOR,
            rights=_rights(),
        )
    )


def archive_text() -> str:
    """What is added to it for an archive."""
    told = {**_POSTGRES, **server_settings(ARCHIVE_READER / CONFIGURATION)}
    return _environment().get_template("archive.yml.j2").render(postgres=told)


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # YAML, made of names from this repository.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
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
    ARCHIVE_FILE.write_text(archive_text())
