"""Turn a GatewayConfig into the text of HAProxy's configuration file."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from gateway.config import (
    COOKIES,
    DEFAULT_PLACES,
    LISTS,
    PAGE_FOLDERS,
    PAGES,
    PASSWORDS,
    PUBLIC,
    PUBLIC_READS,
    ROUTES,
    STREAMS,
    WAITING,
    GatewayConfig,
    InvalidGatewayConfigError,
    Limits,
    require_path,
)
from gateway.lanes import lanes
from gateway.map_files import COMPANIES, SESSIONS, SYNCED, USERS, VERIFIED
from gateway.problems import FIXED, SPONTANEOUS, problem
from gateway.token_rules import AUTHORIZATION, LIFE_SECONDS, PAYLOAD, header_segment

__all__ = ["ERROR_FILES", "GatewayConfig", "InvalidGatewayConfigError", "Limits", "render"]

_HERE = Path(__file__).resolve().parent
ERROR_FILES = _HERE / "errors"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE),
    undefined=StrictUndefined,
    autoescape=select_autoescape(),  # Escapes HTML alone: GatewayConfig has refused what HAProxy could misread.
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(config: GatewayConfig) -> str:
    """Return HAProxy's configuration (2.6 and later) for `config`.

    Key and map files are named, not read: they must exist where HAProxy starts (`gateway.map_files.ensure`), and new
    keys or servers take effect with a new rendering and a reload.
    """
    limits = config.limits
    error_files = config.error_files or ERROR_FILES
    require_path("folder of this package", error_files)
    public = {path: (_table(path), getattr(limits, limit)) for path, limit in PUBLIC.items()}
    public_reads = {path: (_table(path), getattr(limits, limit)) for path, limit in PUBLIC_READS.items()}
    return _ENVIRONMENT.get_template("haproxy.cfg.j2").render(
        config=config,
        limits=limits,
        public=public,
        public_reads=public_reads,
        rates=[
            (name, key, table, rate)
            for name, key, table, rate in (
                ("principal", "txn.principal", "limit_principal", limits.principal_per_10s),
                ("tenant", "txn.company_id", "limit_tenant", limits.tenant_per_10s),
            )
            if rate
        ],
        limited=[*public.values(), *public_reads.values()],
        map_of={"user": USERS, "session": SESSIONS, "company": COMPANIES, "synced": SYNCED, "verified": VERIFIED},
        life=LIFE_SECONDS,
        cookies=COOKIES,
        passwords=PASSWORDS,
        lists=LISTS,
        waiting=WAITING,
        pages=PAGES,
        page_folders=PAGE_FOLDERS,
        routes={service: ROUTES[service] for service in config.backends},
        lanes={
            service: lanes(config.places.get(service, DEFAULT_PLACES), servers=len(servers), gateways=config.gateways)
            for service, servers in config.backends.items()
        },
        header_segments={kid: header_segment(kid) for kid in config.keys},
        authorization_pattern=AUTHORIZATION,
        payload_pattern=PAYLOAD,
        problem=problem,
        spontaneous=SPONTANEOUS,
        fixed=FIXED,
        streams=STREAMS,
        error_files=error_files,
    )


def _table(path: str) -> str:
    """The name of the table that counts the requests for a public address."""
    return "limit_" + path.removeprefix("/v1/").strip("/").replace("/", "_")
