"""A real HAProxy in front of a stand-in service that answers with what it received."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from chassis.testing.tokens import TokenFactory

# pytest names a test module after its path, and so has put an empty package `gateway` where ours should be found.
if getattr(sys.modules.get("gateway"), "__file__", None) is None:
    sys.modules.pop("gateway", None)
from chassis.testing.waiting import wait_until
from gateway import map_files
from gateway.render import GatewayConfig, Limits, render

Headers = list[tuple[str, str]]
PATIENCE = 60
UNLIMITED = Limits(
    tenant_per_10s=None,
    principal_per_10s=None,
    login_per_minute=None,
    register_per_minute=None,
    refresh_per_minute=None,
    token_per_minute=None,
    letter_per_minute=None,
    calendar_per_minute=None,
)


@dataclass
class Answer:
    """One HTTP response."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class StandIn(ThreadingHTTPServer):
    """A service that echoes; the last path segment asks for special behaviour."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ready = True
        self.calls: Counter[str] = Counter()
        self.closing = Event()
        self.released = Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of HAProxy's resets: it ends a health check with one."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # Both are passed on as they came.

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def hold(self, path: str) -> None:
        """Keep a request of `…/hold` until it is released."""
        if path.endswith("/hold"):
            self.released.wait(20)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: StandIn

    def handle_any(self) -> None:
        if self.path == "/readyz":
            self.answer(200 if self.server.ready else 503, {})
            return
        key = f"{self.command} {self.path}"
        self.server.calls[key] += 1
        received = {"method": self.command, "path": self.path, "headers": self.headers.items()} | self.read_body()
        self.server.hold(self.path)
        match self.path.rpartition("/")[2]:
            case "close":
                self.close_connection = True
            case "garbage":
                self.wfile.write(b"this is not HTTP\r\n\r\n")
                self.close_connection = True
            case "brief":
                time.sleep(0.05)
                self.answer(200, received)
            case "slow":
                self.server.closing.wait(20)
            case "html-404":
                self.answer(404, "<html>", content_type="text/html")
            case "html-500":
                self.answer(500, "<html>Traceback", content_type="text/html")
            case "problem-409":
                self.answer(409, {"code": "conflict"}, content_type="application/problem+json")
            case "cached":
                self.answer(200, {}, cache_control="max-age=60")
            case _:
                self.answer(200, {"data": ["one of many"] * 200} if "long=" in self.path else received)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = handle_any  # noqa: N815 - http.server's names.

    def read_body(self) -> dict[str, Any]:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return {"body": len(self.rfile.read(int(self.headers.get("Content-Length", "0")))), "trailers": []}
        body = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += len(self.rfile.read(size))
            self.rfile.readline()
        trailers = [line.decode().strip() for line in iter(self.rfile.readline, b"\r\n")]
        return {"body": body, "trailers": trailers}

    def answer(
        self,
        status: int,
        document: Any,
        content_type: str = "application/json",
        cache_control: str | None = None,
    ) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", "from-the-service")
        if cache_control:
            self.send_header("Cache-Control", cache_control)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name.
        """Say nothing."""


@dataclass
class Gateway:
    """A running HAProxy and a client of it."""

    port: int
    metrics_port: int
    folder: Path
    factory: TokenFactory
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    # With a master process, which can load a new configuration.
    reloads: bool = False

    def kill(self) -> None:
        """End it without a word, as a machine's failure does; a master would leave its workers behind."""
        self.processes[-1].send_signal(signal.SIGTERM if self.reloads else signal.SIGKILL)
        self.processes[-1].wait()

    def start(self) -> None:
        """Start it, for the first time or again, on its files as they are now."""
        program = haproxy_program()
        with self.log.open("ab") as log:
            command = [program, "-f", str(self.folder / "haproxy.cfg")]
            if self.reloads:
                command += ["-W", "-S", f"{self.master},mode,600", "-db"]
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        wait_until(lambda: answers(self), PATIENCE)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def socket(self) -> Path:
        return self.folder / "admin.sock"

    @property
    def master(self) -> Path:
        return self.folder / "master.sock"

    @property
    def maps(self) -> Path:
        return self.folder / "maps of it"

    def call(self, method: str, path: str, headers: Headers | None = None, body: bytes | None = None) -> Answer:
        """Send a request exactly as given: no header is merged, no path is normalised."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers or []:
                connection.putheader(name, value.encode())
            if body is not None and not any(name.lower() == "content-length" for name, _ in headers or []):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def authorized(
        self, method: str, path: str, headers: Headers | None = None, body: bytes | None = None, **claims: Any
    ) -> Answer:
        """Send a request with a good token of these claims."""
        authorization = ("Authorization", f"Bearer {self.factory.sign(**claims)}")
        return self.call(method, path, [authorization, *(headers or [])], body)

    def status(self, method: str = "GET", **claims: Any) -> int:
        """How a request with a good token of these claims is answered."""
        return self.authorized(method, "/v1/customers", body=None if method == "GET" else b"{}", **claims).status

    def raw(self, data: bytes) -> Answer:
        """Send bytes and read until HAProxy closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return Answer(int(status.split()[1]), headers, body)


Run = Callable[..., Gateway]


def haproxy_program() -> str:
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.fail("HAProxy is missing: apt-get install haproxy")
    return program


@pytest.fixture(scope="session")
def haproxy() -> str:
    return haproxy_program()


@pytest.fixture(scope="session")
def tokens() -> TokenFactory:
    return TokenFactory()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def key_files(tokens: TokenFactory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The key of `tokens` beside a second one, as in a rotation; the folder's name has a space."""
    folder = tmp_path_factory.mktemp("public keys")
    files = {}
    for factory in (TokenFactory("next-key"), tokens):
        files[factory.kid] = folder / f"{factory.kid}.pem"
        files[factory.kid].write_text(factory.public_pem)
    return files


@pytest.fixture(scope="session")
def run(
    tokens: TokenFactory,
    key_files: dict[str, Path],
    stand_in: StandIn,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Run]:
    """Start a gateway with these limits and servers; `edit` changes the rendered text, to shorten a deadline.

    Without an agent beside it: `maps` is what one has left in the files, `synced` how many seconds ago.
    """
    with ExitStack() as stack:

        def start(
            limits: Limits = UNLIMITED,
            edit: Callable[[str], str] = str,
            maps: Mapping[str, Mapping[str, int]] | None = None,
            synced: int | None = 0,
            web: Sequence[str] = (),
            *,
            reloads: bool = False,
            tls: tuple[str, Path] | None = None,
            **backends: list[str],
        ) -> Gateway:
            port, metrics_port = free_ports(2)
            folder = tmp_path_factory.mktemp("gateway")
            gateway = Gateway(port, metrics_port, folder, tokens, reloads=reloads)
            map_files.ensure(gateway.maps)
            for name, entries in (maps or {}).items():
                map_files.write(gateway.maps, name, entries)
            if synced is not None:
                map_files.write(gateway.maps, map_files.SYNCED, {"synced": int(time.time()) - synced})
            config = GatewayConfig(
                bind=f"127.0.0.1:{port}",
                metrics_bind=f"127.0.0.1:{metrics_port}",
                keys=key_files,
                backends={"identity": [stand_in.address], "customers": [stand_in.address], "audit": [stand_in.address]}
                | backends,
                limits=limits,
                web=web,
                maps=gateway.maps,
                admin_socket=gateway.socket,
                tls_bind=tls and tls[0],
                certificate=tls and tls[1],
            )
            (folder / "haproxy.cfg").write_text(edit(render(config)))
            stack.callback(gateway.kill)
            gateway.start()
            return gateway

        yield start


@pytest.fixture(scope="session")
def gateway(run: Run) -> Gateway:
    return run()


def answers(gateway: Gateway) -> bool:
    try:
        return gateway.call("GET", "/livez").status == 200
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="session")
def wait() -> Callable[[Callable[[], Any]], Any]:
    """Wait until something is so of HAProxy or of what is beside it."""
    return lambda question: wait_until(question, PATIENCE)


@pytest.fixture(scope="session")
def unused_port() -> int:
    return free_ports(1)[0]
