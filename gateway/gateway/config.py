"""What a gateway configuration is made of, each value checked so that none can add a line to HAProxy's file."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

# First path segment after /v1/ → the service that owns it. What is not here does not exist outside.
ROUTES: Mapping[str, Sequence[str]] = {
    "identity": ("auth", "companies", "users", "members", "invitations", "api-keys", "views", "preferences"),
    "customers": ("customers", "contacts", "industries"),
    "pipeline": (
        "leads",
        "lead-stages",
        "deals",
        "deal-stages",
        "pipelines",
        "loss-reasons",
        "conversions",
        "exchange-rates",
        "reports",
    ),
    "tasks": (
        "tasks",
        "task-series",
        "activities",
        "timeline",
        "notifications",
        "notification-settings",
        "calendar",
        "calendar-feed",
    ),
    "audit": ("audit-logs",),
}

# What the process `web` answers to a GET of anybody: addresses, and what others begin with.
PAGES = ("/", "/docs", "/openapi.json", "/asyncapi.json", "/llms.txt", "/examples", "/examples.md")
PAGE_FOLDERS = ("/docs/", "/assets/", "/examples/")
# The addresses of lists, of all records of a kind or of those of one record: what is compressed for who asks for it.
# Settings and a calendar feed are one record each that has no id in its address.
LISTS = r"^/v1/(?!(?:[a-z-]+-settings|preferences|calendar-feed)\z)[a-z-]+(?:/[0-9]+/[a-z-]+)?\z"

# What answers to a POST without a token → the limit on its rate per source address.
PUBLIC: Mapping[str, str] = {
    "/v1/auth/login": "login_per_minute",
    "/v1/auth/register": "register_per_minute",
    "/v1/auth/refresh": "refresh_per_minute",
    "/v1/auth/token": "token_per_minute",
    "/v1/auth/password/forgot": "letter_per_minute",
    "/v1/auth/password/reset": "letter_per_minute",
    "/v1/auth/email/verify": "letter_per_minute",
    "/v1/invitations/accept": "letter_per_minute",
}

# Requests that wait, where they prefer that, until what they began is done elsewhere, in a thread and without work.
WAITING: Mapping[str, str] = {"pipeline": r"^/v1/leads/[0-9]+/convert\z"}

# What waits for a password's hash, which takes a quarter of a second of a core: it has the lane of crowds, so that who
# only wants to know something does not wait behind it.
PASSWORDS: Sequence[str] = (
    "/v1/auth/login",
    "/v1/auth/register",
    "/v1/auth/password",
    "/v1/auth/password/reset",
    "/v1/invitations/accept",
)

# Where a browser shows the cookie that holds its refresh token; everywhere else it is dropped.
COOKIES: Sequence[str] = ("/v1/auth/refresh", "/v1/auth/logout")

# What answers to a GET without a token, by what it begins with: addresses that hold a secret of their own, which no log
# shows → the limit on its rate per source address, from which many people's calendars may be asked for.
PUBLIC_READS: Mapping[str, str] = {"/v1/calendar/": "calendar_per_minute"}

# What a buffer of HAProxy has room for beside the headers.
LARGEST_BODY = 1_048_576
DEFAULT_PLACES = 4
# How many requests one connection of HTTP/2 carries at a time: as many as one principal may have in flight.
STREAMS = 32

_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
# A path stands inside quotes and inside a converter's arguments: quotes, commas, parentheses, $, %, # and \ stay out.
_PATH = re.compile(r"/[\w .@+=:/~-]*")


class InvalidGatewayConfigError(ValueError):
    """A value that must not be written into HAProxy's configuration."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Largest bodies in bytes, most requests at once and largest request rates; None means unlimited, but for bodies.

    `…_at_once` are requests in flight: of a tenant, of one of its principals, of a tenant's exports, and of one source
    address that has no token yet. `source_connections` are open connections, idle ones too, of one address (IPv4) or
    network (IPv6 /64). An office behind one address signs in within a minute: guesses are identity's to count, by
    account and by network. `letter_per_minute` holds for each address that asks for a letter by e-mail or takes the
    secret from one.
    """

    body_bytes: int = 1_048_576
    public_body_bytes: int = 16_384
    source_connections: int | None = 256
    public_at_once: int | None = 32
    tenant_at_once: int | None = 64
    principal_at_once: int | None = 32
    exports_at_once: int | None = 2
    tenant_per_10s: int | None = 3_000
    principal_per_10s: int | None = 1_000
    login_per_minute: int | None = 300
    register_per_minute: int | None = 10
    refresh_per_minute: int | None = 600
    token_per_minute: int | None = 60
    letter_per_minute: int | None = 10
    calendar_per_minute: int | None = 600

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            may_lack = value is None and not limit.name.endswith("body_bytes")
            _require(may_lack or _is_count(value), f"limits.{limit.name}", value)
        _require(self.body_bytes <= LARGEST_BODY, "limits.body_bytes", self.body_bytes)


@dataclass(frozen=True, kw_only=True)
class GatewayConfig:
    """One gateway: where it listens, the keys it trusts (PEM file by kid), each service's servers ("host:port").

    `places` says by service how many requests a server of it works on at a time, in all `gateways` together.
    `maps` is the folder of the files that `gateway.map_files` makes; the agent beside the gateway keeps them.
    """

    keys: Mapping[str, Path]
    backends: Mapping[str, Sequence[str]]
    maps: Path
    bind: str = "127.0.0.1:8080"
    metrics_bind: str = "127.0.0.1:8405"
    # Where it listens with TLS, beside `bind`, and the certificate's file: certificates in PEM, the key in them or in a
    # file of the same name that ends with `.key` instead.
    tls_bind: str | None = None
    certificate: Path | None = None
    limits: Limits = field(default_factory=Limits)
    admin_socket: Path | None = None
    log: Literal["stdout", "stderr"] | None = "stdout"
    user: str | None = None
    group: str | None = None
    maxconn: int = 4_000
    places: Mapping[str, int] = field(default_factory=dict)
    gateways: int = 1
    # The servers of the pages and documents that need no token; without any, there are none.
    web: Sequence[str] = ()
    # 0: each server has an address of its own. Else each is a name that is asked for again and again, and stands for as
    # many servers as it has addresses, up to this number.
    addresses_of_name: int = 0
    # The folder of the error files where HAProxy finds another one than this package's.
    error_files: Path | None = None
    # Whether a trace begins here: a request without a traceparent gets one.
    tracing: bool = False
    # One thread does some 10,000 requests a second; on a machine of two cores a second one mostly waits for locks.
    threads: int = 1

    def __post_init__(self) -> None:
        _require_address("bind", self.bind)
        _require_address("metrics_bind", self.metrics_bind)
        _require((self.tls_bind is None) == (self.certificate is None), "tls_bind, certificate", self.certificate)
        if self.tls_bind is not None and self.certificate is not None:
            _require_address("tls_bind", self.tls_bind)
            require_path("certificate", self.certificate)
        _require(bool(self.keys), "keys", self.keys)
        for kid, path in self.keys.items():
            _require(_KID.fullmatch(kid) is not None, "keys: kid", kid)
            require_path("keys: path", path)
        _require(bool(self.backends), "backends", self.backends)
        for service, servers in self.backends.items():
            _require(service in ROUTES, "backends: service", service)
            _require(not isinstance(servers, str), "backends: servers", servers)
            for server in servers:
                _require_address("backends: server", server)
        _require(not isinstance(self.web, str), "web", self.web)
        for server in self.web:
            _require_address("web", server)
        require_path("maps", self.maps)
        if self.error_files is not None:
            require_path("error_files", self.error_files)
        by_name = self.addresses_of_name
        _require(by_name == 0 or _is_count(by_name, most=64), "addresses_of_name", by_name)
        _require(isinstance(self.tracing, bool), "tracing", self.tracing)
        _require(isinstance(self.limits, Limits), "limits", self.limits)
        if self.admin_socket is not None:
            require_path("admin_socket", self.admin_socket)
        _require(self.log in ("stdout", "stderr", None), "log", self.log)
        for name, account in (("user", self.user), ("group", self.group)):
            _require(account is None or _ACCOUNT.fullmatch(account) is not None, name, account)
        _require(_is_count(self.maxconn), "maxconn", self.maxconn)
        _require(_is_count(self.threads, most=64), "threads", self.threads)
        _require(_is_count(self.gateways, most=1_000), "gateways", self.gateways)
        for service, places in self.places.items():
            _require(service in ROUTES and _is_count(places, most=1_000), "places", (service, places))


def _require(ok: bool, name: str, value: object) -> None:
    if not ok:
        raise InvalidGatewayConfigError(f"{name}: {value!r} is not allowed")


def _is_count(value: object, most: int = 2_000_000_000) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most


def require_path(name: str, path: Path) -> None:
    """Raise InvalidGatewayConfigError unless `path` is absolute and of characters that mean nothing to HAProxy."""
    _require(_PATH.fullmatch(str(path)) is not None, name, path)


def _require_address(name: str, address: str) -> None:
    host, _, port = str(address).rpartition(":")
    _require(_PORT.fullmatch(port) is not None and _is_count(int(port), most=65_535), name, address)
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise InvalidGatewayConfigError(f"{name}: {address!r} is not allowed") from None
    else:
        _require(_HOST.fullmatch(host) is not None, name, address)
