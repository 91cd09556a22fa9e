"""A pytest plugin (`-p crm.testing`): private servers for a test run, shared by its xdist workers, and whole stacks.

URLs given in CRM_TEST_POSTGRES_URL and CRM_TEST_BROKER_URL win; else servers run in containers where a Docker engine of
this machine answers and has their images, and as private instances where it does not. The run says which. A server that
cannot be had fails the run: nothing is skipped.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from crm import modes, programs
from crm.errors import OperatorError
from crm.sandbox import Sandbox, running, temporary_home
from crm.servers import RabbitMQ
from crm.settings import for_tests
from crm.stack import Stack

POSTGRES_VARIABLE = "CRM_TEST_POSTGRES_URL"
BROKER_VARIABLE = "CRM_TEST_BROKER_URL"
# `private` starts no containers, whether or not Docker answers.
SERVERS_VARIABLE = "CRM_TEST_SERVERS"
# How the controller tells its workers what it started; not for people.
_SANDBOX_VARIABLE = "CRM_TEST_SANDBOX"


class Broker:
    """The RabbitMQ of this test worker: a vhost of its own, on a node that all workers of the run share."""

    def __init__(self, url: str, server: RabbitMQ | None) -> None:
        self.url = url
        self._server = server

    def create_vhost(self, name: str) -> str:
        """Make another vhost (about a second) and return its URL."""
        server = self.server
        server.control("add_vhost", name)
        server.control("set_permissions", "-p", name, urlsplit(self.url).username or "", ".*", ".*", ".*")
        return f"{self.url.rpartition('/')[0]}/{name}"

    def stop(self) -> None:
        """Stop the node; for a module-scoped `own_broker`, since every worker of the run uses this one."""
        self.server.stop()

    def kill(self) -> None:
        self.server.kill()

    def start(self) -> None:
        self.server.start(die_with_runner=False)
        self.server.wait_ready()

    @property
    def server(self) -> RabbitMQ:
        if self._server is None:
            raise OperatorError("this test run does not own the broker: take `own_broker`")
        return self._server


class SandboxProcess:
    """The controller's hold on the process that owns the servers."""

    def __init__(self, *, postgres: bool, broker: bool, vhosts: list[str], containers: bool) -> None:
        wanted = ((programs.POSTGRES, postgres), (programs.RABBITMQ, broker)) if not containers else ()
        missing = programs.missing_packages(package for package, needed in wanted if needed)
        if missing:
            raise OperatorError(f"the tests need real servers. Install them with: {programs.install_line(missing)}")
        command = [sys.executable, "-m", "crm.sandbox", "--early", "--vhosts", ",".join(vhosts)]
        command += [] if postgres else ["--no-postgres"]
        command += [] if broker else ["--no-broker"]
        command += ["--containers"] if containers else []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    def described(self) -> Sandbox:
        """What was started, and may still boot."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            reason = self._process.stderr.read().decode().strip().splitlines()
            raise OperatorError(f"the test servers did not start: {reason[-1] if reason else 'no reason given'}")
        return Sandbox.loads(line.decode())

    def stop(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._process.wait(60)


_HOLD = pytest.StashKey[SandboxProcess]()
_STACKS = pytest.StashKey[contextlib.ExitStack]()
# The tests that may yet ask for a stack.
_ASKING = pytest.StashKey[set[str]]()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _workers(config: pytest.Config) -> list[str]:
    count = int(getattr(config.option, "numprocesses", None) or 0)
    return [f"gw{number}" for number in range(count)] or ["main"]


def pytest_configure(config: pytest.Config) -> None:
    """Begin to start the servers, before the workers and the collection, which run while the servers boot."""
    if _is_worker(config) or config.option.collectonly or config.option.help or config.option.version:
        return
    postgres = POSTGRES_VARIABLE not in os.environ
    broker = BROKER_VARIABLE not in os.environ
    if not postgres and not broker:
        return
    try:
        hold = SandboxProcess(postgres=postgres, broker=broker, vhosts=_workers(config), containers=_has_engine())
        config.stash[_HOLD] = hold
        sandbox = hold.described()
    except OperatorError as error:
        raise pytest.UsageError(str(error)) from None
    # The workers inherit the environment: they are started after this.
    os.environ[_SANDBOX_VARIABLE] = sandbox.dumps()


def _has_engine() -> bool:
    """Whether a Docker engine of this machine answers, and is wanted."""
    here = os.environ.get("DOCKER_HOST", "unix://").startswith("unix://")
    return os.environ.get(SERVERS_VARIABLE) != "private" and here and modes.engine_answers()


def pytest_unconfigure(config: pytest.Config) -> None:
    hold = config.stash.get(_HOLD, None)
    if hold is not None:
        hold.stop()
        os.environ.pop(_SANDBOX_VARIABLE, None)


def pytest_report_header(config: pytest.Config) -> list[str]:
    if _is_worker(config):
        return []
    sandbox = _sandbox()
    lines = []
    for label, scheme, variable, port in (
        ("postgres", "postgresql", POSTGRES_VARIABLE, sandbox.postgres_port if sandbox else None),
        ("rabbitmq", "amqp", BROKER_VARIABLE, sandbox.broker_ports.amqp if sandbox and sandbox.broker_ports else None),
    ):
        if sandbox and (url := sandbox.url(scheme)):
            image = next(image for image, known in sandbox.urls.items() if known == url)
            lines.append(f"{label}: container of {image} on 127.0.0.1:{urlsplit(url).port}, not durable")
        elif port is not None:
            lines.append(f"{label}: private instance on 127.0.0.1:{port}, not durable")
        elif variable in os.environ:
            parts = urlsplit(os.environ[variable])
            lines.append(f"{label}: {parts.hostname}:{parts.port} ({variable})")
    if sandbox and sandbox.reason:
        lines.append(f"no containers: {sandbox.reason}")
    return lines


def _sandbox() -> Sandbox | None:
    text = os.environ.get(_SANDBOX_VARIABLE)
    return Sandbox.loads(text) if text else None


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """URL of a superuser on the run's PostgreSQL; make a database of your own, its other users are other workers."""
    if POSTGRES_VARIABLE in os.environ:
        return os.environ[POSTGRES_VARIABLE]
    sandbox = _sandbox()
    if sandbox and (url := sandbox.url("postgresql")):
        return url
    server = sandbox.postgres() if sandbox else None
    assert server is not None, "crm.testing started no PostgreSQL"
    server.wait_ready()
    return server.url()


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Broker:
    """The run's RabbitMQ with a vhost of this worker's own."""
    worker = str(getattr(request.config, "workerinput", {}).get("workerid", "main"))
    if BROKER_VARIABLE in os.environ:
        url = os.environ[BROKER_VARIABLE]
        # `crm test-servers` has a vhost for each worker, as a run of its own has.
        return Broker(f"{url.rpartition('/')[0]}/{worker}" if _is_worker(request.config) else url, None)
    sandbox = _sandbox()
    if sandbox and (contained := sandbox.url("amqp")):
        return Broker(f"{contained.rpartition('/')[0]}/{worker}", None)
    server = sandbox.broker() if sandbox else None
    assert server is not None, "crm.testing started no RabbitMQ"
    server.wait_ready()
    return Broker(server.url(vhost=worker), server)


@pytest.fixture(scope="session")
def broker_url(broker: Broker) -> str:
    """AMQP URL of an administrator in this worker's vhost."""
    return broker.url


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    """A RabbitMQ for one test module alone, which may stop, kill and start it.

    It takes five seconds to begin with: give the module an `xdist_group`, so that it is begun in one process.
    """
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(running(postgres=False))
        server = sandbox.broker()
        assert server is not None
        yield Broker(server.url(), server)


@pytest.fixture(scope="session")
def stack_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., Stack]]:
    """A function that starts a whole stack in a short temporary folder; its arguments replace settings.

    The stacks are stopped and deleted after the last test that may ask for one. A stack takes some ten seconds to
    start: give the tests that share one the same `xdist_group`.
    """
    with request.config.stash[_STACKS] as stacks:

        def start(**changes: object) -> Stack:
            made = Stack(temporary_home(), for_tests(**changes), attached=True)
            stacks.callback(made.destroy)
            made.up()
            return made

        yield start


def _asks_for_stacks(item: pytest.Item) -> bool:
    return "stack_factory" in getattr(item, "fixturenames", ())


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[_STACKS] = contextlib.ExitStack()
    session.config.stash[_ASKING] = {item.nodeid for item in session.items if _asks_for_stacks(item)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """End the stacks after the last test that asks for one: even idle ones would slow all tests that come later."""
    yield
    asking = item.config.stash[_ASKING]
    if item.nodeid in asking:
        asking.remove(item.nodeid)
        if not asking:
            item.config.stash[_STACKS].close()


@pytest.fixture(scope="session")
def stack(stack_factory: Callable[..., Stack]) -> Stack:
    """A whole running system: quick, not durable, without limits on rates."""
    return stack_factory()


@pytest.fixture
def whole_again(stack: Stack) -> Iterator[None]:
    """What a test has killed or stopped is up, and known to the gateway as up, before the next test asks for it."""
    yield
    stack.wait_ready()
