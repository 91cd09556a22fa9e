"""What the agent says of itself over HTTP: whether it runs, whether its gateway knows what it has to, in numbers."""

import json
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Both are longer than all that may go wrong once in a round: an identity that hangs, a HAProxy that restarts.
_STUCK_SECONDS = 30.0
_LATE_SECONDS = 10.0


@dataclass
class Health:
    """The agent's state, written by its loop and read by those who ask."""

    seen_at: float = field(default_factory=time.monotonic)
    synced_at: float | None = None
    entries: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)

    @property
    def age(self) -> float:
        """Seconds since the gateway last knew what identity knows; infinite before the first time."""
        return float("inf") if self.synced_at is None else time.monotonic() - self.synced_at

    @property
    def alive(self) -> bool:
        return time.monotonic() - self.seen_at < _STUCK_SECONDS

    @property
    def ready(self) -> bool:
        return self.age < _LATE_SECONDS

    def reason(self) -> str:
        """Why the gateway does not know what it should."""
        late = "never synchronised" if self.synced_at is None else f"not synchronised for {self.age:.0f} s"
        return "; ".join([late, *(f"{name}: {text}" for name, text in sorted(self.trouble.items()))])

    def metrics(self) -> str:
        """The state as Prometheus reads it (text format 0.0.4)."""
        lines = [
            "# HELP crm_revocations_age_seconds Time since the gateway last knew what identity knows.",
            "# TYPE crm_revocations_age_seconds gauge",
            f"crm_revocations_age_seconds {'+Inf' if self.synced_at is None else f'{self.age:.3f}'}",
            "# HELP crm_revocations_entries What the gateway refuses, by map.",
            "# TYPE crm_revocations_entries gauge",
            *(f'crm_revocations_entries{{map="{name}"}} {count}' for name, count in sorted(self.entries.items())),
            "# HELP crm_revocations_failures_total Attempts that failed, by whom they needed.",
            "# TYPE crm_revocations_failures_total counter",
            *(f'crm_revocations_failures_total{{of="{of}"}} {count}' for of, count in sorted(self.failures.items())),
        ]
        return "\n".join(lines) + "\n"


def serve(address: tuple[str, int], health: Health) -> ThreadingHTTPServer:
    """Answer /livez, /readyz and /metrics from a thread of its own. Raises OSError when the port is taken."""

    class Handler(_Handler):
        of = health

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="monitor", daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    of: Health

    def do_GET(self) -> None:
        """Answer one question."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(HTTPStatus.OK, self.of.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        elif path in ("/livez", "/readyz"):
            good = self.of.alive if path == "/livez" else self.of.ready
            document = {"status": "pass"} if good else {"status": "fail", "detail": self.of.reason()}
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, json.dumps(document), "application/json")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "", "text/plain")

    def _answer(self, status: HTTPStatus, text: str, content_type: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name.
        """Say nothing: a probe a second would bury what matters."""
