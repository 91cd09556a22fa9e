"""The job `gateway-configuration`: renders HAProxy's files into its volume, and has it load them."""

import os
import shutil
import socket
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crm.errors import OperatorError
from crm.files import write_private
from crm.http_client import ask
from crm.jobs.places import GATEWAY, WEB_PORT
from crm.settings import NO_LIMITS, SERVICES, StackSettings
from gateway import map_files
from gateway.render import ERROR_FILES, GatewayConfig, Limits, render

_JWKS = f"http://identity-web:{WEB_PORT}/.well-known/jwks.json"
_SECONDS = 120.0
# More than this machine will have web processes of a service; a free place costs a line of HAProxy's memory.
_MOST_SERVERS = 16
_OK = 200


def public_keys() -> dict[str, str]:
    """What identity publishes, as PEM by kid, as soon as it answers."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            answer = ask(_JWKS, timeout=5.0)
            if answer.status == _OK:
                return {key["kid"]: _pem(key) for key in answer.body["keys"]}
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise OperatorError("identity does not tell its public keys")
        time.sleep(0.25)


def _pem(key: dict[str, str]) -> str:
    public: bytes = jwt.PyJWK(key).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public.decode()


def write(
    folder: Path,
    keys: dict[str, str],
    limits: Limits,
    *,
    domain: str = "",
    gateways: int = 1,
    tracing: bool = False,
    certificate: Path | None = None,
) -> bool:
    """Write keys, error files and configuration; return whether a running HAProxy has to load them again.

    `domain` is what the names of servers end with where HAProxy asks for them: it knows no search domains.
    """
    for name in ("keys", "errors"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    map_files.ensure(folder / "maps")
    shutil.copytree(ERROR_FILES, folder / "errors", dirs_exist_ok=True)
    paths = {kid: folder / "keys" / f"{kid}.pem" for kid in keys}
    changed = [write_private(paths[kid], pem) for kid, pem in keys.items()]
    settings = StackSettings()
    end = f".{domain}" if domain else ""
    text = render(
        GatewayConfig(
            bind="0.0.0.0:8080",  # The container's; compose publishes it on loopback.
            metrics_bind="0.0.0.0:8405",  # As above, and not published.
            keys=paths,
            backends={service: [f"{service}-web{end}:{WEB_PORT}"] for service in SERVICES},
            web=[f"web{end}:{WEB_PORT}"],
            addresses_of_name=_MOST_SERVERS,
            gateways=gateways,
            tracing=tracing,
            tls_bind="0.0.0.0:8443" if certificate else None,  # As above.
            certificate=certificate,
            places={service: settings.threads(service) * settings.web_workers for service in SERVICES},
            maps=folder / "maps",
            error_files=folder / "errors",
            admin_socket=folder / "admin.sock",
            limits=limits,
        )
    )
    changed.append(write_private(folder / "haproxy.cfg", text))
    for stale in set((folder / "keys").glob("*.pem")) - set(paths.values()):
        stale.unlink()
    return any(changed)


def reload(master: Path) -> None:
    """Have a running HAProxy take over what was written. Raises OperatorError when it does not."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30.0)
        try:
            connection.connect(str(master))
        except OSError:
            return  # It does not run, and will read the new files when it starts.
        connection.sendall(b"reload\n")
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while part := connection.recv(4096):
            said += part
    # Nothing is said before HAProxy 2.7.
    if said.startswith(b"Success=0"):
        raise OperatorError(f"HAProxy did not take over its new configuration:\n{said.decode(errors='replace')}")


if __name__ == "__main__":
    told = os.environ
    changed = write(
        GATEWAY,
        public_keys(),
        NO_LIMITS if told.get("CRM_LIMITS") == "off" else Limits(),
        domain=told.get("SERVERS_DOMAIN", ""),
        gateways=int(told.get("GATEWAYS", "1")),
        tracing=bool(told.get("OTEL_EXPORTER_OTLP_ENDPOINT")),
        certificate=Path(told["TLS_CERTIFICATE"]) if told.get("TLS_CERTIFICATE") else None,
    )
    if changed:
        reload(GATEWAY / "master.sock")
    print("the gateway is configured")
