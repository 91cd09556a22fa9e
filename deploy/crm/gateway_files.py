"""The gateway's files in a stack: HAProxy's configuration, the public keys that it trusts, the maps it begins with."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from crm import programs
from crm.errors import OperatorError
from crm.files import write_private
from gateway import map_files
from gateway.render import GatewayConfig, Limits, render


class GatewayFiles:
    """`home/gateway/haproxy.cfg`, `home/gateway/keys/<kid>.pem` and `home/gateway/maps`; sockets are in `run`."""

    def __init__(self, home: Path, run: Path) -> None:
        self.folder = home / "gateway"
        self.configuration = self.folder / "haproxy.cfg"
        self.maps = self.folder / "maps"
        self.admin_socket = run / "haproxy.sock"
        self.master_socket = run / "master.sock"
        self._keys = self.folder / "keys"
        self._binary = programs.require(programs.system_binary("haproxy"), programs.HAPROXY)

    @property
    def command(self) -> list[str]:
        # Master and workers: SIGUSR2 to the master loads a new configuration without refusing one connection.
        master = f"{self.master_socket},mode,600"
        return [str(self._binary), "-W", "-S", master, "-db", "-f", str(self.configuration)]

    def write(
        self,
        keys: Mapping[str, str],
        *,
        bind: str,
        metrics_bind: str,
        backends: Mapping[str, Sequence[str]],
        web: Sequence[str],
        limits: Limits,
        places: Mapping[str, int],
        tracing: bool = False,
        tls: tuple[str, Path] | None = None,
    ) -> bool:
        """Write keys and configuration; return whether a running gateway has to load them again.

        `tls` is where it listens with TLS too, and with which certificate.
        """
        self._keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        map_files.ensure(self.maps)
        changed = False
        for kid, pem in keys.items():
            changed |= write_private(self._keys / f"{kid}.pem", pem)
        config = GatewayConfig(
            bind=bind,
            metrics_bind=metrics_bind,
            admin_socket=self.admin_socket,
            keys={kid: self._keys / f"{kid}.pem" for kid in keys},
            backends=backends,
            maps=self.maps,
            web=web,
            limits=limits,
            places=places,
            tracing=tracing,
            tls_bind=tls[0] if tls else None,
            certificate=tls[1] if tls else None,
        )
        changed |= write_private(self.configuration, render(config))
        for stale in set(self._keys.glob("*.pem")) - set(config.keys.values()):
            stale.unlink()
        return changed

    def check(self) -> None:
        """Have HAProxy read the configuration; raise OperatorError with its complaint."""
        done = subprocess.run([*self.command[:1], "-c", "-q", "-f", str(self.configuration)], capture_output=True, text=True, check=False)  # fmt: skip  # noqa: E501
        if done.returncode != 0:
            raise OperatorError(f"HAProxy refuses {self.configuration}:\n{done.stderr.strip()}")
