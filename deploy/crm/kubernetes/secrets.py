"""The secrets of a stack on Kubernetes: one object for each reader, which holds what that reader may know."""

import json
from collections.abc import Mapping
from typing import Any

from crm.broker_rights import users
from crm.credentials import Credentials
from crm.environment import (
    Servers,
    agent_key,
    database_password,
    owner_environment,
    roles,
    secret_environment,
    withheld,
)
from crm.jobs.places import DEFINITIONS, ROLES, SERVERS, SUPERUSER
from crm.servers.rabbitmq import VHOST, definitions
from crm.settings import KINDS, SENDS_LETTERS, SERVICES, WORKER

PREPARE = "prepare"
READERS = (*KINDS, PREPARE)


def of_reader(
    service: str, kind: str, credentials: Credentials, there: Servers = SERVERS, mail_url: str = ""
) -> dict[str, str]:
    """What the pods of a kind of `service` are told in secret, by the names of their settings."""
    known = secret_environment(service, credentials, there)
    if kind == PREPARE:
        # Migrations run as the owner; identity makes its first signing keys, and seals them.
        needed = {name: known[name] for name in ("DATABASE_URL", "KEY_ENCRYPTION_KEY") if name in known}
        return needed | owner_environment(service, credentials, there)
    told = {name: value for name, value in known.items() if name not in withheld(service, kind)}
    # Without an address letters wait; it is a secret because it may hold a password.
    return told | ({"MAIL_URL": mail_url} if kind == WORKER and service in SENDS_LETTERS else {})


def objects(credentials: Credentials, mail_url: str = "") -> dict[str, Any]:
    """All of them, as one document that kubectl takes."""
    superuser = credentials.password("postgres_superuser")
    passwords = {
        service: {role: database_password(credentials, service, role) for role in roles(service)}
        for service in SERVICES
    }
    files: dict[str, Mapping[str, str]] = {
        "databases": {SUPERUSER: superuser, ROLES: json.dumps(passwords)},
        "gateway": {"gateway_agent_key": agent_key(credentials)},
        "rabbitmq-definitions": {DEFINITIONS: definitions(users(credentials), (VHOST,))},
    }
    for service in SERVICES:
        for kind in READERS:
            told = of_reader(service, kind, credentials, mail_url=mail_url)
            files[f"{service}-{kind}"] = {name.lower(): value for name, value in told.items()}
    made = [_secret(name, "Opaque", values) for name, values in files.items()]
    login = {"username": "postgres", "password": superuser}
    made.append(_secret("postgres-superuser", "kubernetes.io/basic-auth", login))
    return {"apiVersion": "v1", "kind": "List", "items": made}


def _secret(name: str, kind: str, values: Mapping[str, str]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/part-of": "crm"}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": dict(values)}
