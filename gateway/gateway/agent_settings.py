"""What the agent is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config import InvalidGatewayConfigError, require_path

SHORTEST_KEY = 32
_LARGEST_PORT = 65_535


class AgentSettingsError(Exception):
    """Settings are missing or malformed; `problems` says each in a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """Where to ask, with which key, and whom to tell."""

    key: str = field(repr=False)
    identity_urls: tuple[str, ...]
    socket: Path
    maps: Path
    # Where a HAProxy with a master process listens; without it, what a reload leaves behind is told nothing.
    master: Path | None = None
    metrics: tuple[str, int] | None = None
    # The certificate's file, which may be renewed at any time.
    certificate: Path | None = None


def from_environment(environment: Mapping[str, str] | None = None) -> AgentSettings:
    """The settings in `environment`, by default the process's. Raises AgentSettingsError with all that is wrong."""
    given = os.environ if environment is None else environment
    problems: list[str] = []
    key = _key(given, problems)
    urls = tuple(url.strip() for url in given.get("IDENTITY_URLS", "").split(",") if url.strip())
    if not urls or not all(_is_url(url) for url in urls):
        problems.append("IDENTITY_URLS is not set to http:// addresses, separated by commas")
    paths = [_path(given, name, problems) for name in ("HAPROXY_SOCKET", "MAPS_FOLDER")]
    master = _path(given, "HAPROXY_MASTER_SOCKET", problems) if given.get("HAPROXY_MASTER_SOCKET") else None
    certificate = _path(given, "TLS_CERTIFICATE", problems) if given.get("TLS_CERTIFICATE") else None
    metrics = _address(given.get("METRICS_BIND", ""), problems)
    if problems:
        raise AgentSettingsError(problems)
    return AgentSettings(
        key=key,
        identity_urls=urls,
        socket=paths[0],
        maps=paths[1],
        master=master,
        metrics=metrics,
        certificate=certificate,
    )


def _key(given: Mapping[str, str], problems: list[str]) -> str:
    key = given.get("GATEWAY_AGENT_KEY", "")
    file = given.get("GATEWAY_AGENT_KEY_FILE", "")
    if file and not key:
        try:
            key = Path(file).read_text().strip()
        except OSError as error:
            problems.append(f"GATEWAY_AGENT_KEY_FILE cannot be read: {error.strerror}")
            return ""
    if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
        problems.append(f"GATEWAY_AGENT_KEY (or GATEWAY_AGENT_KEY_FILE) has no {SHORTEST_KEY} characters or more")
    return key


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        return False


def _path(given: Mapping[str, str], name: str, problems: list[str]) -> Path:
    path = Path(given.get(name, ""))
    try:
        require_path(name, path)
    except InvalidGatewayConfigError:
        problems.append(f"{name} is not set to an absolute path of plain characters")
    return path


def _address(bind: str, problems: list[str]) -> tuple[str, int] | None:
    if not bind:
        return None
    host, _, port = bind.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= _LARGEST_PORT:
        problems.append("METRICS_BIND is not a host and a port")
        return None
    return host.strip("[]"), int(port)
