"""TLS at the gateway: a certificate of its own, renewed without a reload, and HTTP/2 for who speaks it."""

import socket
import ssl
import subprocess

import pytest

from chassis.testing.certificates import connect as connect_tls
from gateway import certificates
from gateway.agent import Agent
from gateway.agent_settings import AgentSettings
from gateway.monitor import Health
from gateway.runtime import Haproxy, RuntimeApiError


def make(folder, name, serial):
    """A self-signed certificate for localhost, its key in a file of its own."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-set_serial", str(serial)]
    files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        *subject,
        *files,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"{name}.crt"


def put(certificate, place):
    place.with_suffix(".key").write_bytes(certificate.with_suffix(".key").read_bytes())
    place.write_bytes(certificate.read_bytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def place(folder):
    """Where the gateway's certificate lies."""
    put(make(folder, "first", 1001), folder / "tls.crt")
    return folder / "tls.crt"


@pytest.fixture(scope="module")
def tls_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def secured(run, place, tls_port):
    return run(tls=(f"127.0.0.1:{tls_port}", place))


def connect(port, authority, protocols=(), version=None):
    context = ssl.create_default_context(cafile=authority)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return connect_tls(port, context, timeout=20)


def ask(connection, path="/livez"):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def test_it_answers_with_its_certificate_and_tells_browsers_to_come_so_again(secured, place, tls_port):
    with connect(tls_port, place) as connection:
        answer = ask(connection)
    assert answer.startswith("HTTP/1.1 200 ")
    assert "strict-transport-security: max-age=31536000" in answer.lower()
    plain = secured.call("GET", "/livez")
    assert (plain.status, plain.header("Strict-Transport-Security")) == (200, None)


@pytest.mark.parametrize(("offered", "agreed"), [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)])
def test_http_2_is_agreed_on_where_it_is_offered(secured, place, tls_port, offered, agreed):
    with connect(tls_port, place, offered) as connection:
        assert connection.selected_alpn_protocol() == agreed


def test_rules_hold_behind_tls_too(secured, place, tls_port):
    with connect(tls_port, place) as connection:
        assert ask(connection, "/v1/customers").startswith("HTTP/1.1 401 ")


def test_a_renewed_certificate_is_shown_without_a_reload_and_open_connections_go_on(
    secured, folder, place, tls_port, identity
):
    renewed = make(folder, "renewed", 1002)
    settings = AgentSettings(
        key=identity.key, identity_urls=(identity.url,), socket=secured.socket, maps=secured.maps, certificate=place
    )
    agent = Agent(settings, Health())
    haproxy = Haproxy(secured.socket, secured.maps)
    with haproxy.talk() as conversation:
        before = conversation.worker()
    agent.work()
    with connect(tls_port, place) as open_before:
        old = place.read_bytes()
        put(renewed, place)
        agent.work()
        with connect(tls_port, renewed) as connection:
            assert connection.getpeercert()["serialNumber"] == f"{1002:04X}"
        assert ask(open_before).startswith("HTTP/1.1 200 ")
        assert old != place.read_bytes()
    with haproxy.talk() as conversation:
        assert conversation.worker() == before
    agent.close()


def test_half_a_renewal_leaves_the_certificate_that_was(secured, folder, place, tls_port, identity):
    settings = AgentSettings(
        key=identity.key, identity_urls=(identity.url,), socket=secured.socket, maps=secured.maps, certificate=place
    )
    health = Health()
    agent = Agent(settings, health)
    agent.work()
    good = place.read_bytes()
    with connect(tls_port, place):
        pass
    authority = folder / "good.crt"
    authority.write_bytes(good)
    # The certificate is there, and its key is still the old one's.
    place.write_bytes(make(folder, "other", 1003).read_bytes())
    agent.work()
    assert "certificate" in health.trouble
    with connect(tls_port, authority):
        pass
    place.write_bytes(good)
    agent.work()
    assert "certificate" not in health.trouble
    agent.close()


def test_a_refusal_is_an_error(secured, folder):
    with Haproxy(secured.socket, secured.maps).talk() as conversation, pytest.raises(RuntimeApiError):
        certificates.replace(conversation, folder / "unknown.crt", "nothing\n")
