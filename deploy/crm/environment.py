"""The environment of each service's processes, from the stack's ports and secrets."""

import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm.broker_rights import TOPOLOGY, broker_password, user_of
from crm.credentials import Credentials
from crm.gateway_files import GatewayFiles
from crm.ports import LOOPBACK
from crm.programs import SYSTEM_PATH
from crm.servers.rabbitmq import VHOST
from crm.settings import ASKS, JOBS_ASK, KINDS, SENDS_LETTERS, SERVICES, WEB, WORKER, StackSettings
from crm.state import State

BROKER_PARAMETERS = "?heartbeat=20&blocked_connection_timeout=60"
# What every process of a stack gets and nothing of the shell that started the stack.
BASE: Mapping[str, str] = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# Secrets that one kind of a service's processes needs and the other is not given: who takes over a web process reads no
# outbox, adds nothing to the audit log and sends no letters, and a worker signs no tokens and no cursors.
WITHHELD: Mapping[str, tuple[str, ...]] = {
    WEB: ("BROKER_URL", "RELAY_DATABASE_URL", "INGEST_DATABASE_URL", "MAIL_URL"),
    WORKER: ("KEY_ENCRYPTION_KEY", "GATEWAY_AGENT_KEY", "CURSOR_SECRET", "SERVICE_KEY"),
}


def withheld(service: str, kind: str) -> tuple[str, ...]:
    """The secrets that a service's processes of this kind are not given; a worker that asks others needs their key."""
    asks = kind == WORKER and service in JOBS_ASK
    return tuple(name for name in WITHHELD[kind] if not (asks and name == "SERVICE_KEY"))


def roles(service: str) -> tuple[str, ...]:
    return ("owner", "app", "relay", *SERVICES[service])


def database_password(credentials: Credentials, service: str, role: str) -> str:
    return credentials.password(f"postgres_{service}_{role}")


@dataclass(frozen=True)
class Servers:
    """Where the servers are, as host:port."""

    postgres: str
    rabbitmq: str


def servers(state: State) -> Servers:
    """Those of a stack of this machine."""
    return Servers(f"{LOOPBACK}:{state.port('postgres')}", f"{LOOPBACK}:{state.port('rabbitmq')}")


def database_url(credentials: Credentials, there: Servers, service: str, role: str) -> str:
    password = database_password(credentials, service, role)
    return f"postgresql://{service}_{role}:{password}@{there.postgres}/{service}"


def superuser_url(password: str, there: Servers, database: str) -> str:
    """URL of a database as the administrator of the server."""
    return f"postgresql://postgres:{password}@{there.postgres}/{database}"


def broker_url(credentials: Credentials, there: Servers, user: str) -> str:
    return f"amqp://{user}:{broker_password(credentials, user)}@{there.rabbitmq}/{VHOST}{BROKER_PARAMETERS}"


def secret_environment(service: str, credentials: Credentials, there: Servers) -> dict[str, str]:
    """The settings of `service` that hold a secret; never the owner's URLs."""
    values = {
        "DATABASE_URL": database_url(credentials, there, service, "app"),
        "RELAY_DATABASE_URL": database_url(credentials, there, service, "relay"),
        "BROKER_URL": broker_url(credentials, there, user_of(service)),
        "CURSOR_SECRET": credentials.password(f"cursor_{service}"),
    }
    if service in ASKS or any(service in asked for asked in ASKS.values()):
        values["SERVICE_KEY"] = service_key(credentials)
    if "ingest" in SERVICES[service]:
        values["INGEST_DATABASE_URL"] = database_url(credentials, there, service, "ingest")
    if service == "identity":
        values["KEY_ENCRYPTION_KEY"] = credentials.fernet_key("identity_key_encryption")
        values["GATEWAY_AGENT_KEY"] = agent_key(credentials)
    return values


def own_to(service: str, kind: str, secrets: Iterable[str]) -> tuple[str, ...]:
    """Those of a service's secrets that its processes of one kind alone are given."""
    others = {name for other in KINDS if other != kind for name in withheld(service, other)}
    return tuple(name for name in secrets if name in others)


def shared(service: str, secrets: Iterable[str]) -> tuple[str, ...]:
    """Those of a service's secrets that all its processes are given."""
    kept_back = {name for kind in KINDS for name in withheld(service, kind)}
    return tuple(name for name in secrets if name not in kept_back)


def service_environment(
    service: str, settings: StackSettings, credentials: Credentials, state: State
) -> dict[str, str]:
    """What web and worker of `service` are told; never the owner's URLs."""
    values = secret_environment(service, credentials, servers(state)) | {
        "JWKS_URL": f"http://{LOOPBACK}:{state.port('identity-web-1')}/.well-known/jwks.json",
        "TOKEN_ISSUER": "crm",
        "TOKEN_AUDIENCE": "crm",
        "WEB_WORKERS": str(settings.web_workers),
        "WEB_THREADS": str(settings.threads(service)),
        "LOG_LEVEL": settings.log_level,
        "SERVICE_VERSION": importlib.metadata.version(f"crm-{service}"),
    }
    if settings.trace_collector:
        values["OTEL_EXPORTER_OTLP_ENDPOINT"] = settings.trace_collector
    if service in ASKS:
        asked = (f"{name}=http://{LOOPBACK}:{state.port(f'{name}-web-1')}" for name in ASKS[service])
        values["SERVICE_URLS"] = " ".join(asked)
    if service == "identity":
        values["BCRYPT_COST"] = str(settings.bcrypt_cost)
    if service in SENDS_LETTERS:
        values["MAIL_URL"] = mail_folder(credentials.path.parent).as_uri()
        values["MAIL_FROM"] = "CRM <crm@crm.example>"
        values["APP_URL"] = f"http://{LOOPBACK}:{state.port('gateway')}"
    return values


def service_key(credentials: Credentials) -> str:
    """What lets a service ask another one."""
    return credentials.password("service")


def agent_key(credentials: Credentials) -> str:
    """What lets the gateway's agent ask identity."""
    return credentials.password("gateway_agent")


def agent_environment(credentials: Credentials, *, identity_urls: Sequence[str], files: GatewayFiles) -> dict[str, str]:
    """What the gateway's agent is told."""
    return {
        "GATEWAY_AGENT_KEY": agent_key(credentials),
        "IDENTITY_URLS": ",".join(identity_urls),
        "HAPROXY_SOCKET": str(files.admin_socket),
        "HAPROXY_MASTER_SOCKET": str(files.master_socket),
        "MAPS_FOLDER": str(files.maps),
    }


def mail_folder(home: Path) -> Path:
    """Where the letters of a stack without a mail server lie; identity's worker makes it with the first one."""
    return home / "mail"


def owner_environment(service: str, credentials: Credentials, there: Servers) -> dict[str, str]:
    """What `migrate` and `topology` are told on top."""
    return {
        "OWNER_DATABASE_URL": database_url(credentials, there, service, "owner"),
        "OWNER_BROKER_URL": broker_url(credentials, there, TOPOLOGY),
    }
