"""The gateway of a stack: HAProxy, the agent that tells it what is revoked, and the program of the pages."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from crm import pages, plan
from crm.credentials import Credentials
from crm.environment import BASE, agent_environment
from crm.errors import OperatorError
from crm.gateway_files import GatewayFiles
from crm.jobs.tell import tell
from crm.launch import LaunchPlan, write_environment
from crm.ports import LOOPBACK, free_port, is_free
from crm.settings import SERVICES, StackSettings
from crm.state import State
from crm.supervision import Supervised, Supervisor
from gateway.runtime import Haproxy, Worker

_AGENT_ENVIRONMENT = "env/gateway-agent.env"
_RELOAD_SECONDS = 20.0
_CHECKED_SECONDS = 20.0
_POLL_SECONDS = 0.1
# The columns of `show servers state` that say which server it is, and whether its checks let requests through.
_BACKEND, _SERVER, _OPERATION = 1, 3, 5
_RUNNING = "2"
# A buffer has room for the largest body. glibc would ask the kernel for each anew, which costs a third of the rate.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "268435456"}


class Gateway:
    """Its programs, their files and their addresses. `run` is the folder for sockets."""

    def __init__(
        self,
        home: Path,
        run: Path,
        *,
        settings: StackSettings,
        credentials: Credentials,
        state: State,
        supervisor: Supervisor,
    ) -> None:
        self._home = home
        self._run = run
        self._settings = settings
        self._credentials = credentials
        self._state = state
        self._supervisor = supervisor

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._state.port('gateway')}"

    @property
    def metrics_url(self) -> str:
        return f"http://{LOOPBACK}:{self._state.port('gateway-metrics')}/metrics"

    @property
    def agent_url(self) -> str:
        return f"http://{LOOPBACK}:{self._state.port('gateway-agent-metrics')}"

    def checks(self) -> Mapping[str, str]:
        """What tells by its status whether a program is ready; the agent is when HAProxy knows what is revoked."""
        return {
            plan.PAGES: f"{pages.url(self._state)}/readyz",
            plan.GATEWAY_AGENT: f"{self.agent_url}/readyz",
            plan.GATEWAY: f"{self.url}/readyz",
        }

    def running(self) -> bool:
        status = self._supervisor.statuses().get(plan.GATEWAY)
        # One that was just started again, after it had died, has the port as well.
        return status is not None and status.state in ("RUNNING", "STARTING")

    def take_port(self) -> None:
        """Settle on which port to listen. Raises OperatorError when somebody else does."""
        known = self._state.ports.get("gateway")
        wanted = self._settings.gateway_port or known or free_port(self._state.ports.values())
        if (wanted != known or not self.running()) and not is_free(wanted):
            other = wanted + 1
            while not is_free(other):
                other += 1
            raise OperatorError(f"port {wanted} is in use by another program. Take another: make up CRM_PORT={other}")
        self._state.set_port("gateway", wanted)

    def apply(self) -> list[Supervised]:
        """Write what they are started from."""
        files = self._files
        urls = plan.web_urls("identity", self._settings, self._state)
        values = agent_environment(self._credentials, identity_urls=urls, files=files)
        if self._tls:
            # It has HAProxy take over a certificate that was renewed.
            values["TLS_CERTIFICATE"] = str(self._tls[1])
        write_environment(self._home / _AGENT_ENVIRONMENT, values)
        metrics = self.agent_url.removeprefix("http://")
        agent = LaunchPlan(
            command=[sys.executable, "-m", "gateway.agent"],
            environment={**BASE, "METRICS_BIND": metrics},
            environment_file=_AGENT_ENVIRONMENT,
        )
        haproxy = LaunchPlan(command=files.command, environment={**BASE, **ALLOCATOR})
        agent.write(self._home, plan.GATEWAY_AGENT)
        haproxy.write(self._home, plan.GATEWAY)
        digest = plan.source_digest("gateway") if self._settings.follow_edits else ""
        return [
            pages.apply(self._home, self._state, follow_edits=self._settings.follow_edits),
            plan.supervise_gateway(self._home, plan.GATEWAY_AGENT, agent, digest),
            plan.supervise_gateway(self._home, plan.GATEWAY, haproxy),
        ]

    def tell(self, *commands: str) -> str:
        """What the HAProxy that runs answers to commands of its runtime API."""
        return tell(list(commands), self._files.admin_socket)

    def wait_for(self, server: str, timeout: float = _CHECKED_SECONDS) -> None:
        """Wait until HAProxy sends requests to `server`, as backend/server, whose program answers already.

        It finds out by its next check, up to a second later; until then it takes the server for the one that is gone.
        Raises OperatorError when it does not find out.
        """
        backend, name = server.split("/")
        deadline = time.monotonic() + timeout
        while True:
            rows = [line.split() for line in self.tell(f"show servers state {backend}").splitlines()]
            states = {(row[_BACKEND], row[_SERVER]): row[_OPERATION] for row in rows if len(row) > _OPERATION}
            if states.get((backend, name)) == _RUNNING:
                return
            if time.monotonic() > deadline:
                raise OperatorError(f"the gateway has not found {server} ready after {timeout:.0f} s")
            time.sleep(_POLL_SECONDS)

    def reload(self, keys: Mapping[str, str]) -> None:
        """Write HAProxy's configuration, and where it runs wait until a process has taken that over.

        No connection is refused meanwhile. Raises OperatorError when HAProxy does not take the configuration.
        """
        files = self._files
        backends = {
            service: [url.removeprefix("http://") for url in plan.web_urls(service, self._settings, self._state)]
            for service in SERVICES
        }
        changed = files.write(
            keys,
            bind=self.url.removeprefix("http://"),
            metrics_bind=f"{LOOPBACK}:{self._state.port('gateway-metrics')}",
            backends=backends,
            web=[pages.url(self._state).removeprefix("http://")],
            limits=self._settings.limits,
            tracing=bool(self._settings.trace_collector),
            tls=self._tls,
            places={service: self._settings.threads(service) * self._settings.web_workers for service in SERVICES},
        )
        if not changed:
            return
        files.check()
        if self.running():
            before = self._worker()
            self._supervisor.signal(plan.GATEWAY, "USR2")
            deadline = time.monotonic() + _RELOAD_SECONDS
            while self._worker() in (None, before):
                if time.monotonic() > deadline:
                    raise OperatorError("HAProxy did not take over its new configuration; see: make logs S=gateway")
                time.sleep(0.02)

    @property
    def _tls(self) -> tuple[str, Path] | None:
        bind, certificate = self._settings.tls_bind, self._settings.tls_certificate
        return (bind, Path(certificate)) if bind and certificate else None

    @property
    def _files(self) -> GatewayFiles:
        return GatewayFiles(self._home, self._run)

    def _worker(self) -> Worker | None:
        """The process that takes connections now, if any does."""
        try:
            files = self._files
            with Haproxy(files.admin_socket, files.maps).talk() as conversation:
                return conversation.worker()
        except OSError:
            return None
