"""The job `secrets`: makes what is not there yet, once, and writes into each reader's folder what it may know."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from crm.backup.dumps import KEY_NAME
from crm.broker_rights import users
from crm.credentials import Credentials
from crm.environment import (
    agent_key,
    database_password,
    own_to,
    owner_environment,
    roles,
    secret_environment,
    shared,
)
from crm.jobs.places import ARCHIVE, DEFINITIONS, OWNER, ROLES, SECRETS, SERVERS, SUPERUSER, postgres_cluster
from crm.servers.archive import CONFIGURATION, Place, configuration, passphrase
from crm.servers.rabbitmq import VHOST, definitions
from crm.settings import KINDS, SERVICES

# Of pgBackRest; each container has its own.
_LOCKS = Path("/tmp/pgbackrest")  # noqa: S108  # A container's own.
SERVICE_USER, SERVER_USER, GATEWAY_USER = 10001, 999, 99


def write(root: Path) -> None:
    """Write every file. What was made before stays as it is, in the folder `master` that nobody else mounts."""
    credentials = Credentials(root / "master")
    for service in SERVICES:
        values = secret_environment(service, credentials, SERVERS)
        folders = {service: shared(service, values)}
        folders |= {f"{service}-{kind}": own_to(service, kind, values) for kind in KINDS}
        for folder, names in folders.items():
            for name in names:
                _put(root / folder / name.lower(), values[name], SERVICE_USER)
            _forget_others(root / folder, names)
        for name, value in owner_environment(service, credentials, SERVERS).items():
            _put(root / f"{service}-{OWNER}" / name.lower(), value, SERVICE_USER)
    superuser = credentials.password("postgres_superuser")
    passwords = {
        service: {role: database_password(credentials, service, role) for role in roles(service)}
        for service in SERVICES
    }
    _put(root / "databases" / SUPERUSER, superuser, SERVICE_USER)
    _put(root / "databases" / ROLES, json.dumps(passwords), SERVICE_USER)
    _put(root / "postgres" / SUPERUSER, superuser, SERVER_USER)
    _put(root / "rabbitmq" / DEFINITIONS, definitions(users(credentials), (VHOST,)), SERVER_USER)
    _put(root / "gateway" / "gateway_agent_key", agent_key(credentials), GATEWAY_USER)
    identity = credentials.age_identity(KEY_NAME)
    opened = {KEY_NAME: identity, "postgres_superuser": superuser}
    _put(root / "archive" / credentials.path.name, json.dumps(opened), SERVER_USER)
    told = configuration(Place.of(str(ARCHIVE)), postgres_cluster(), {"cipher-pass": passphrase(identity)}, _LOCKS)
    _put(root / "archive" / CONFIGURATION, told, SERVER_USER)
    # It seals them with the data, which they open.
    _put(root / "backup" / credentials.path.name, credentials.path.read_text(), SERVICE_USER)


def _forget_others(folder: Path, names: Iterable[str]) -> None:
    """Delete what an earlier release put where its readers need it no more."""
    kept = {name.lower() for name in names}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in kept:
            path.unlink()


def _put(path: Path, text: str, user: int) -> None:
    """Replace a file in one step; its reader alone may read it, which takes no right but that to give it away."""
    path.parent.mkdir(exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    os.chown(scratch, user, user)
    scratch.rename(path)


if __name__ == "__main__":
    write(SECRETS)
    print("secrets are there")
