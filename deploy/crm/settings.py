"""What a stack is made of and how large it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.render import Limits

# Every service of the system, with the database roles that it has beside owner, app and relay.
SERVICES: Mapping[str, tuple[str, ...]] = {
    "identity": (),
    "customers": (),
    "pipeline": (),
    "tasks": (),
    "audit": ("ingest",),
}
# Whom a service asks: for records that it keeps references to, before it does what another's records forbid, and how
# far they are with what it began.
ASKS: Mapping[str, tuple[str, ...]] = {
    "identity": ("customers", "pipeline", "tasks", "audit"),
    "customers": ("identity",),
    "pipeline": ("identity", "customers"),
    "tasks": ("identity", "customers", "pipeline"),
}
# Whose worker asks as well, and whom: whom the deals in a file are with.
JOBS_ASK: Mapping[str, tuple[str, ...]] = {"pipeline": ("customers",)}
# Who keeps references, and can rebuild them.
REFERRING = tuple(service for service, asked in ASKS.items() if "identity" in asked)
# Whose worker sends letters.
SENDS_LETTERS = frozenset({"identity", "tasks"})
WEB = "web"
WORKER = "worker"
KINDS = (WEB, WORKER)
NO_LIMITS = Limits(
    source_connections=None,
    public_at_once=None,
    tenant_at_once=None,
    principal_at_once=None,
    exports_at_once=None,
    tenant_per_10s=None,
    principal_per_10s=None,
    login_per_minute=None,
    calendar_per_minute=None,
    register_per_minute=None,
    refresh_per_minute=None,
    token_per_minute=None,
    letter_per_minute=None,
)


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """One stack. `gateway_port` None takes a free port; not `durable` gives up the data of a power cut for speed.

    `web_processes` and `worker_processes` are numbers at the first start; after that the home remembers its own.
    """

    gateway_port: int | None = None
    durable: bool = True
    # One worker to a process, so that the gateway knows of each how many of its threads are free.
    web_processes: int = 2
    worker_processes: int = 1
    web_workers: int = 1
    web_threads: int = 6
    # Sign-ins wait for a hash in threads of their own number, so that as many as elsewhere are left for other requests.
    identity_threads: int = 16
    bcrypt_cost: int = 12
    limits: Limits = field(default_factory=Limits)
    broker_metrics: bool = True
    log_level: str = "info"
    # Where traces go, OTLP over HTTP; without it there are none.
    trace_collector: str = ""
    # Where the gateway listens with TLS too, and its certificate in PEM, with the key in it or in a `.key` beside it.
    tls_bind: str | None = None
    tls_certificate: str | None = None
    # Where PostgreSQL puts every change besides, for any instant: a folder, or s3://bucket/prefix?endpoint=…&region=….
    archive: str | None = None
    # Whether `up` restarts the services whose source files have changed since they started.
    follow_edits: bool = True

    def threads(self, service: str) -> int:
        """How many requests a worker of the service works on at a time."""
        return self.identity_threads if service == "identity" else self.web_threads


def for_tests(**changes: object) -> StackSettings:
    """Settings of a stack that lives for one test module: quick, small, without limits on rates."""
    values: dict[str, object] = {
        "durable": False,
        "web_processes": 1,
        "bcrypt_cost": 4,
        "limits": NO_LIMITS,
        "broker_metrics": False,
        "follow_edits": False,
    }
    return StackSettings(**(values | changes))  # type: ignore[arg-type]  # Checked where a test fails: right here.
