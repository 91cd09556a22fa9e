"""The rendered text: HAProxy takes it without a warning, and no value can add a line to it."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import map_files
from gateway.config import ROUTES
from gateway.render import GatewayConfig, InvalidGatewayConfigError, Limits, render

KEYS = {"k1": Path("/keys/k1.pem")}
BACKENDS = {"customers": ["127.0.0.1:9000"]}
NEEDED = {"keys": KEYS, "backends": BACKENDS, "maps": Path("/maps")}


@pytest.mark.parametrize(
    "limits", [Limits(), Limits(tenant_per_10s=None, principal_per_10s=None, login_per_minute=None)]
)
@pytest.mark.parametrize("log", ["stdout", None])
def test_haproxy_takes_the_configuration_without_a_warning(haproxy, key_files, tmp_path, limits, log) -> None:
    config = GatewayConfig(
        keys=key_files,
        backends={service: ["127.0.0.1:9001", "localhost:9002", "[::1]:9003"] for service in ROUTES},
        limits=limits,
        maps=tmp_path,
        log=log,
        admin_socket=tmp_path / "admin.sock",
        user="root",
        group="root",
    )
    map_files.ensure(tmp_path)
    (tmp_path / "haproxy.cfg").write_text(render(config))

    result = subprocess.run(
        [haproxy, "-c", "-q", "-f", str(tmp_path / "haproxy.cfg")], capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_part_of_the_services_can_be_rendered_alone(haproxy, key_files, tmp_path) -> None:
    map_files.ensure(tmp_path)
    (tmp_path / "haproxy.cfg").write_text(render(GatewayConfig(keys=key_files, backends=BACKENDS, maps=tmp_path)))

    subprocess.run([haproxy, "-c", "-q", "-f", str(tmp_path / "haproxy.cfg")], check=True)


BAD_ADDRESSES = [
    "",
    "8080",
    ":8080",
    "host:",
    "host:0",
    "host:65536",
    "host:80 ",
    "a b:80",
    "h:80\nuser x",
    "h:80 ssl",
    "[::g]:80",
    "h:٣",
    "%h:80",
    "'h':80",
    "h:80,h:81",
    "unix@/x:80",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
@pytest.mark.parametrize("field", ["bind", "metrics_bind", "backends"])
def test_address_that_is_none_is_refused(field: str, address: str) -> None:
    values = {"backends": {"customers": [address]}} if field == "backends" else {field: address}

    with pytest.raises(InvalidGatewayConfigError):
        GatewayConfig(**(NEEDED | values))


@pytest.mark.parametrize("kid", ["", "a b", "a\nb", 'a"', "a'", "a" * 65, "a}", "../a", "ä", "a\n"])
def test_key_id_that_is_none_is_refused(kid: str) -> None:
    with pytest.raises(InvalidGatewayConfigError):
        GatewayConfig(**(NEEDED | {"keys": {kid: Path("/k.pem")}}))


@pytest.mark.parametrize(
    "path", ["relative.pem", '/a"b', "/a'b", "/a\nb", "/a,b", "/a)b", "/a%[src]", "/a$HOME", "/a\\b", "/a#b", "/a{b}"]
)
@pytest.mark.parametrize("field", ["keys", "admin_socket", "maps"])
def test_path_that_haproxy_could_misread_is_refused(field: str, path: str) -> None:
    values = {"keys": {"k1": Path(path)}} if field == "keys" else {field: Path(path)}

    with pytest.raises(InvalidGatewayConfigError):
        GatewayConfig(**(NEEDED | values))


@pytest.mark.parametrize(
    "values",
    [
        {"keys": {}},
        {"backends": {}},
        {"backends": {"unknown": ["127.0.0.1:1"]}},
        {"backends": {"customers\n": ["127.0.0.1:1"]}},
        {"backends": {"customers": "127.0.0.1:1"}},
        {"user": "a b"},
        {"group": "a\nb"},
        {"log": "/dev/log"},
        {"maxconn": 0},
        {"maxconn": "10\n    nbthread 1"},
        {"maxconn": True},
        {"threads": 65},
        {"limits": "none"},
        {"tracing": "yes"},
        {"tls_bind": "127.0.0.1:8443"},
        {"certificate": Path("/tls.crt")},
        {"tls_bind": "everywhere", "certificate": Path("/tls.crt")},
        {"tls_bind": "127.0.0.1:8443", "certificate": Path("/tls crt,x")},
    ],
)
def test_other_value_that_is_none_is_refused(values) -> None:
    with pytest.raises(InvalidGatewayConfigError):
        GatewayConfig(**(NEEDED | values))


@pytest.mark.parametrize(
    "field",
    [
        "body_bytes",
        "tenant_per_10s",
        "principal_per_10s",
        "login_per_minute",
        "register_per_minute",
        "refresh_per_minute",
        "token_per_minute",
        "letter_per_minute",
        "calendar_per_minute",
    ],
)
@pytest.mark.parametrize("value", [0, -1, "5", 1.5, True])
def test_limit_that_is_no_count_is_refused(field: str, value) -> None:
    with pytest.raises(InvalidGatewayConfigError):
        Limits(**{field: value})


def test_same_configuration_gives_the_same_text() -> None:
    config = GatewayConfig(**NEEDED)

    assert render(config) == render(replace(config))
