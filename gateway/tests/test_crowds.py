"""Requests at once: nobody has all places of a service, nobody's body is waited for by it, nobody has all connections."""

import contextlib
import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event, Thread

import pytest

from chassis.config import WAITING_THREADS
from gateway.config import DEFAULT_PLACES
from gateway.lanes import lanes
from gateway.render import Limits

UNLIMITED_RATES = {
    "tenant_per_10s": None,
    "principal_per_10s": None,
    "login_per_minute": None,
    "register_per_minute": None,
    "refresh_per_minute": None,
    "token_per_minute": None,
    "letter_per_minute": None,
    "calendar_per_minute": None,
}


@pytest.fixture(scope="module")
def crowded(run):
    limits = Limits(
        tenant_at_once=12,
        principal_at_once=8,
        exports_at_once=2,
        public_at_once=5,
        source_connections=60,
        **UNLIMITED_RATES,
    )
    return run(limits=limits)


@pytest.fixture(scope="module")
def in_flight(stand_in):
    """A context: so many requests of somebody that are not answered yet."""

    @contextlib.contextmanager
    def flying(gateway, path, count, *, method="GET", prefer=None, **claims):
        headers = {"Authorization": f"Bearer {gateway.factory.sign(**claims)}"}
        if prefer:
            headers["Prefer"] = prefer
        connections = []
        try:
            for _ in range(count):
                connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
                connection.request(method, path, headers=headers)
                connections.append(connection)
            time.sleep(0.3)
            yield
        finally:
            stand_in.released.set()
            for connection in connections:
                connection.getresponse().read()
                connection.close()
            stand_in.released.clear()

    return flying


def timed(gateway, path="/v1/customers", **claims):
    began = time.monotonic()
    answer = gateway.authorized("GET", path, **claims)
    return answer.status, time.monotonic() - began


@pytest.mark.parametrize("path", ["/v1/customers/hold", "/v1/customers/hold?include=total"])
def test_whoever_has_many_requests_in_flight_leaves_places_to_others(in_flight, crowded, path) -> None:
    with in_flight(crowded, path, 8, company_id=1, sub="1"):
        status, seconds = timed(crowded, company_id=2, sub="1")
        assert status == 200
        assert seconds < 1


def one_place(text: str) -> str:
    """A lane for everybody, in which one request is under way at a time."""
    shares = lanes(DEFAULT_PLACES, servers=1)
    text = text.replace(f"maxconn {shares.common} check", "maxconn 1 check")
    return text.replace(f"sc0_conn_cur gt {shares.few}", "sc0_conn_cur gt 9")


def test_who_has_less_in_flight_comes_sooner(in_flight, run, stand_in) -> None:
    # Seconds in place of tenths, so that a machine that stands still for a moment changes no order.
    gateway = run(
        limits=Limits(**UNLIMITED_RATES),
        edit=lambda text: one_place(text).replace("sub(1),mul(100)", "sub(1),mul(2000)"),
    )
    stand_in.calls.clear()
    with ThreadPoolExecutor(4) as pool, in_flight(gateway, "/v1/customers/hold", 1, company_id=51, sub="1"):
        for number, company_id in enumerate((52, 52, 52, 53)):
            path = f"/v1/customers/{company_id}-{number}"
            pool.submit(gateway.authorized, "GET", path, company_id=company_id, sub="1")
            time.sleep(0.03)
    order = [call.rpartition("/")[2] for call in stand_in.calls]
    assert order == ["hold", "52-0", "53-3", "52-1", "52-2"]


def test_nobody_is_passed_for_ever_by_those_who_have_less_in_flight(run) -> None:
    """A second request of a tenant is answered, however many others come with first ones all the time."""
    gateway = run(limits=Limits(**UNLIMITED_RATES), edit=one_place)
    tenants, stop = count(1000), Event()

    def others() -> None:
        while not stop.is_set():
            assert timed(gateway, "/v1/customers/brief", company_id=next(tenants), sub="1")[0] == 200

    with ThreadPoolExecutor(8) as pool:
        crowd = [pool.submit(others) for _ in range(6)]
        time.sleep(0.5)
        two = [pool.submit(timed, gateway, "/v1/customers/brief", company_id=61, sub="1") for _ in range(2)]
        answers = [one.result() for one in two]
        stop.set()
        for one in crowd:
            one.result()
    assert [status for status, _ in answers] == [200, 200]
    assert max(seconds for _, seconds in answers) < 4


def test_a_principal_has_a_number_of_requests_at_once(in_flight, crowded) -> None:
    with in_flight(crowded, "/v1/customers/hold", 8, company_id=11, sub="1"):
        answer = crowded.authorized("GET", "/v1/customers", company_id=11, sub="1")
        assert (answer.status, answer.json["code"]) == (429, "too_many_at_once")
        assert answer.header("Retry-After") == "1"
        assert crowded.authorized("GET", "/v1/customers", company_id=12, sub="1").status == 200
    assert crowded.authorized("GET", "/v1/customers", company_id=11, sub="1").status == 200


def test_a_tenant_has_a_number_of_requests_at_once(in_flight, crowded) -> None:
    with (
        in_flight(crowded, "/v1/customers/hold", 7, company_id=21, sub="1"),
        in_flight(crowded, "/v1/customers/hold", 5, company_id=21, sub="2"),
    ):
        assert crowded.authorized("GET", "/v1/customers", company_id=21, sub="3").json["code"] == "too_many_at_once"
        assert crowded.authorized("GET", "/v1/customers", company_id=22, sub="3").status == 200


def test_exports_have_places_of_their_own(in_flight, run, stand_in) -> None:
    slow = run(
        limits=Limits(exports_at_once=2, **UNLIMITED_RATES),
        edit=lambda text: text.replace("path_end .csv .jsonl", "path_end hold"),
    )
    with in_flight(slow, "/v1/customers/hold", 2, company_id=31, sub="1"):
        answer = slow.authorized("GET", "/v1/customers/hold", company_id=31, sub="2")
        assert (answer.status, answer.json["code"]) == (429, "too_many_at_once")
        # They are no burden to the tenant's other requests.
        assert slow.authorized("GET", "/v1/customers", company_id=31, sub="1").status == 200
        assert timed(slow, company_id=32, sub="1")[1] < 1


@pytest.mark.parametrize("prefer", ["wait=5", "respond-async, WAIT = 5"])
def test_who_waits_for_what_was_begun_takes_no_place_of_who_has_work(in_flight, run, stand_in, wait, prefer) -> None:
    places = lanes(DEFAULT_PLACES, servers=1)
    gateway = run(
        limits=Limits(**UNLIMITED_RATES),
        pipeline=[stand_in.address],
        edit=lambda text: text.replace(r"^/v1/leads/[0-9]+/convert\z", r"^/v1/leads/hold\z"),
    )
    stand_in.calls.clear()
    waiting = in_flight(
        gateway, "/v1/leads/hold", places.waiting + 5, method="POST", prefer=prefer, company_id=41, sub="1"
    )
    with waiting:
        wait(lambda: stand_in.calls["POST /v1/leads/hold"] == places.waiting)
        assert timed(gateway, "/v1/leads", company_id=42, sub="1")[1] < 1
        assert timed(gateway, "/v1/leads", company_id=41, sub="1")[1] < 1
    # What nobody waits for takes what it always took, whatever it says that it prefers.
    stand_in.calls.clear()
    with in_flight(gateway, "/v1/deals/hold", places.waiting, method="POST", prefer=prefer, company_id=41, sub="1"):
        wait(lambda: stand_in.calls["POST /v1/deals/hold"] == places.few + places.crowd)
    stand_in.calls.clear()
    with in_flight(gateway, "/v1/leads/hold", places.waiting, method="POST", company_id=41, sub="1"):
        wait(lambda: stand_in.calls["POST /v1/leads/hold"] == places.few + places.crowd)


def test_who_has_no_token_has_a_number_of_requests_at_once(crowded) -> None:
    token = {"Content-Type": "application/json"}
    connections = [http.client.HTTPConnection("127.0.0.1", crowded.port, timeout=20) for _ in range(5)]
    try:
        for connection in connections:
            # Unfinished bodies count as well.
            connection.putrequest("POST", "/v1/auth/login")
            connection.putheader("Content-Length", "10")
            connection.endheaders(b"{")
        time.sleep(0.3)
        answer = crowded.call("POST", "/v1/auth/login", list(token.items()), b"{}")
        assert (answer.status, answer.json["code"]) == (429, "too_many_at_once")
    finally:
        for connection in connections:
            connection.close()


def test_an_address_has_a_number_of_connections(run) -> None:
    # A gateway of its own: it still counts the connections for a moment after they were closed.
    crowded = run(limits=Limits(source_connections=60, **UNLIMITED_RATES))
    held = []
    try:
        for _ in range(70):
            with contextlib.suppress(ConnectionResetError):
                held.append(socket.create_connection(("127.0.0.1", crowded.port), 5))
        time.sleep(0.2)
        refused = 70 - len(held)
        for connection in held:
            connection.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                try:
                    refused += connection.recv(1) == b""
                except ConnectionResetError:
                    refused += 1
        assert refused == 10
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize("size", [20_000, 500_000, 1_048_576])
def test_a_service_sees_a_request_when_its_body_is_there(crowded, stand_in, size) -> None:
    path = f"/v1/customers/body-{size}"
    head = f"POST {path} HTTP/1.1\r\nHost: crm\r\nAuthorization: Bearer {crowded.factory.sign()}\r\nContent-Length: {size}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", crowded.port), 10) as connection:
        connection.sendall(head.encode() + b"x" * (size - 1))
        time.sleep(0.3)
        assert stand_in.calls[f"POST {path}"] == 0
        connection.sendall(b"x")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert stand_in.calls[f"POST {path}"] == 1


def chunked(size: int) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)


@pytest.mark.parametrize(
    "given",
    [
        ("/v1/auth/login", 16_384, 200),
        ("/v1/auth/login", 16_385, 413),
        ("/v1/customers", 1_048_576, 200),
        ("/v1/customers", 1_048_577, 413),
        ("/v1/customers", 3_000_000, 413),
    ],
)
@pytest.mark.parametrize("way", ["sized", "chunked"])
def test_a_body_has_a_size(crowded, stand_in, given, way) -> None:
    path, size, status = given
    headers = {"Authorization": f"Bearer {crowded.factory.sign()}"}
    body = b"x" * size
    connection = http.client.HTTPConnection("127.0.0.1", crowded.port, timeout=20)
    before = stand_in.calls.total()
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if way == "sized":
                connection.request("POST", path, body, headers)
            else:
                connection.request("POST", path, iter([body]), headers, encode_chunked=True)
        response = connection.getresponse()
        assert response.status == status
        assert (stand_in.calls.total() > before) is (status == 200)
    finally:
        connection.close()


def test_a_body_that_drips_is_refused_in_time_and_holds_up_nobody(run, stand_in) -> None:
    gateway = run(edit=lambda text: text.replace("wait-for-body time 8s", "wait-for-body time 1s"))
    stop = Event()

    def drip() -> None:
        head = f"POST /v1/customers HTTP/1.1\r\nHost: crm\r\nAuthorization: Bearer {gateway.factory.sign()}\r\nContent-Length: 1000000\r\n\r\n"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", gateway.port), 5) as connection:
            connection.sendall(head.encode() + b"x" * 60_000)
            while not stop.wait(0.1):
                connection.sendall(b"x")

    drips = [Thread(target=drip) for _ in range(20)]
    before = stand_in.calls.total()
    for one in drips:
        one.start()
    try:
        time.sleep(0.5)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda sub: timed(gateway, company_id=99, sub=str(sub)), range(1, 9)))
        assert {status for status, _ in answers} == {200}
        assert max(seconds for _, seconds in answers) < 1
        assert stand_in.calls.total() == before + 8
        for one in drips:
            one.join(5)
            assert not one.is_alive()
    finally:
        stop.set()


@pytest.mark.parametrize("places", [1, 2, 3, 4, 6, 8, 16, 100])
@pytest.mark.parametrize("servers", [0, 1, 2, 5])
def test_lanes_fit_into_the_places_and_leave_some_to_others(places, servers) -> None:
    found = lanes(places, servers=servers)
    assert min(found.common, found.crowd, found.bulk, found.few) >= 1
    if places >= 3:
        assert found.common + found.crowd + found.bulk == places
    if places >= 4 and servers:
        assert found.few < found.common * servers


def test_a_service_has_a_thread_for_each_place_to_wait() -> None:
    assert lanes(6, servers=2).waiting == 6 * WAITING_THREADS


def test_gateways_share_the_places() -> None:
    assert lanes(16, servers=2, gateways=2) == lanes(8, servers=2)
