"""Reloads under load through kept connections: no request is lost, and nobody who is revoked gets in meanwhile."""

import contextlib
import http.client
import signal
import threading
import time

import pytest

from gateway.agent import Agent
from gateway.agent_settings import AgentSettings
from gateway.monitor import Health
from gateway.runtime import Haproxy

CLIENTS = 6
SECONDS = 2.0


class Client(threading.Thread):
    """Asks one thing after the other on one connection, for as long as that is kept, and asks nothing twice."""

    def __init__(self, gateway, authorization, stop) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        self._headers = {"Authorization": authorization, "Content-Type": "application/json"}
        self._stop_asking = stop
        self.answered, self.lost = 0, []

    def run(self) -> None:
        while not self._stop_asking.is_set():
            method, body = ("GET", None) if self.answered % 2 else ("POST", b"{}")
            try:
                self._connection.request(method, "/v1/customers", body, self._headers)
                answer = self._connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                self._connection.close()
            else:
                self.answered += 1
                if answer.status != 200:
                    self.lost.append(answer.status)
            # Of connections that are idle when a reload comes there are to be some as well.
            time.sleep(0.002 * (self.answered % 4))
        self._connection.close()


class Idle:
    """A member whose one connection is open and quiet when the gateway is reloaded."""

    def __init__(self, gateway, user_id: int) -> None:
        self.user_id = str(user_id)
        self._headers = {"Authorization": f"Bearer {gateway.factory.sign(sub=self.user_id, ver=4)}"}
        self._connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        assert self.ask() == 200
        self._first = self._connection.sock
        self.was_kept = False

    def ask(self) -> int:
        self._connection.request("GET", "/v1/customers", headers=self._headers)
        self.was_kept = self._connection.sock is not None and self._connection.sock is getattr(self, "_first", None)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def reloading(run):
    return run(reloads=True)


@pytest.fixture
def agent(reloading, identity):
    """The agent of that gateway, at work."""
    settings = AgentSettings(
        key=identity.key,
        identity_urls=(identity.url,),
        socket=reloading.socket,
        maps=reloading.maps,
        master=reloading.master,
    )
    stop = threading.Event()
    made = Agent(settings, Health())
    thread = threading.Thread(target=made.run, args=(stop,), daemon=True)
    thread.start()
    yield made
    stop.set()
    thread.join()


@contextlib.contextmanager
def at_work(gateway):
    """Clients that ask until the end of the block, whatever becomes of it: other tests count what a service is asked."""
    stop = threading.Event()
    clients = [Client(gateway, f"Bearer {gateway.factory.sign(sub='7')}", stop) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        stop.set()
        for client in clients:
            client.join()


@pytest.mark.parametrize("reloads", [8, pytest.param(200, marks=pytest.mark.long)])
def test_no_request_is_lost_by_reloads_and_who_is_revoked_is_out_at_once(
    reloading, agent, identity, wait, reloads: int
) -> None:
    haproxy = Haproxy(reloading.socket, reloading.maps, reloading.master)

    def worker():
        try:
            with haproxy.talk() as conversation:
                return conversation.worker()
        except OSError:
            return None

    left_behind = set()

    def note_leaving():
        # A master that is being replaced hangs up; the agent asks it again as well.
        try:
            left_behind.update(haproxy.leaving())
        except OSError:
            return False
        return True

    longest, revoked = 0.0, {}
    with at_work(reloading) as clients, contextlib.ExitStack() as connections:
        for number in range(reloads):
            leaver = connections.enter_context(contextlib.closing(Idle(reloading, 1_000 * reloads + number)))
            before = worker()
            reloading.processes[-1].send_signal(signal.SIGUSR2)
            wait(lambda before=before: worker() not in (None, before))
            wait(note_leaving)
            # Every third waits to see the revocation told; the others are reloads in quick succession.
            if number % 3 == 0:
                # Also to who asks for everything, as the agent does twice a minute.
                revoked[leaver.user_id] = 5
                identity.news = identity.everything = {"users": dict(revoked)}
                revoked_at = time.monotonic()
                rounds = len(identity.asked) + 2
                wait(lambda rounds=rounds: len(identity.asked) >= rounds)
                wait(lambda: agent._health.trouble == {})
                longest = max(longest, time.monotonic() - revoked_at)
                # So long may it take until nobody lets them in, a process that is just being replaced among them.
                time.sleep(max(revoked_at + SECONDS - time.monotonic(), 0))
                assert leaver.ask() == 401
                assert leaver.was_kept
            leaver.close()
    assert [client.lost for client in clients] == [[]] * CLIENTS
    assert sum(client.answered for client in clients) > 20 * reloads
    assert left_behind, "no process was left behind with open connections"
    assert longest <= SECONDS
