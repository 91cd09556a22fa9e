"""A stack of containers, by Docker's own commands: docker-compose.yml says what it is made of."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm import modes
from crm.compose.file import ARCHIVE_FILE, ARCHIVE_VARIABLES, FILE, ROOT, TLS_FILE, TLS_VARIABLES
from crm.errors import OperatorError
from crm.files import write_private
from crm.ports import LOOPBACK
from crm.preparation import Rotation, SigningKey, piped
from crm.settings import KINDS, SERVICES, WEB

Report = Callable[[str, str, float], None]
_DEFAULT_PORT = 8080
_DRAIN_SECONDS = 0.5
_ADDRESS = 4  # The column of a server's address in `show servers state`.
# What a stack may have besides, by the variables that say so: the home remembers them.
_ADDED = {"tls": (TLS_FILE, TLS_VARIABLES), "archive": (ARCHIVE_FILE, ARCHIVE_VARIABLES)}
# What a build is given of this machine, by the variables that may name it: a proxy's certificates, pip's settings.
_SECRETS = {"ca_bundle": ("CRM_CA_BUNDLE", "PIP_CERT"), "pip_conf": ("CRM_PIP_CONF",)}


@dataclass(frozen=True)
class Container:
    """A line of `status`; `reason` is empty when it is ready."""

    name: str
    state: str
    since: str
    reason: str


class Containers:
    """The stack that a home remembers: its port, and of what it has more than one. `environment` is added to ours."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home = home
        self._path = home / modes.KEPT_BY_COMPOSE
        self._kept: dict[str, Any] = {"port": _DEFAULT_PORT, "demo": False, "scale": {}}
        if self._path.exists():
            self._kept |= json.loads(self._path.read_text())
        self._given = dict(environment or {})
        given = {**os.environ, **self._given}
        for what, (_, variables) in _ADDED.items():
            if told := {name: given[name] for name in variables if given.get(name)}:
                self._kept[what] = told
        command = modes.compose_command()
        if command is None or not modes.engine_answers():
            raise OperatorError("no Docker engine answers, or there is no Docker Compose; try: make up MODE=native")
        files = (FILE, *(file for what, (file, _) in _ADDED.items() if self._kept.get(what)))
        named = [part for file in files for part in ("--file", str(file))]
        self._command = [*command, "--project-directory", str(ROOT), *named]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._kept['port']}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for what in _ADDED for name, value in self._kept.get(what, {}).items()}
        return {**os.environ, **kept, **self._given, "CRM_PORT": str(self._kept["port"])}

    @property
    def has_archive(self) -> bool:
        return bool(self._kept.get("archive"))

    @property
    def has_demo_data(self) -> bool:
        return bool(self._kept["demo"])

    # The life of a stack

    def up(self, report: Report, *, port: int | None = None) -> None:
        """Build what has changed, start what does not run, and return when everything answers; safe to repeat."""
        self._keep(port=port or self._kept["port"])
        began = time.monotonic()
        report("images", f"{self.build()} built", time.monotonic() - began)
        began = time.monotonic()
        scales = [part for name, count in self._kept["scale"].items() for part in ("--scale", f"{name}={count}")]
        self._quietly("up", "--detach", "--wait", "--no-build", "--remove-orphans", *scales)
        report("services", f"{len(self.containers())} containers ready", time.monotonic() - began)

    def build(self, *names: str) -> int:
        """Build our images, unless they are as they would be; return how many there are.

        Those of the services of compose with these `names`; without any, of all that run in no profile.

        Not by `compose build`, which asks for a newer buildx than many machines have.
        """
        services = json.loads(self.run("--profile", "*", "config", "--format", "json"))["services"]
        wanted = names or [name for name, service in services.items() if not service.get("profiles")]
        images = {services[name]["image"]: services[name]["build"] for name in wanted if "build" in services[name]}
        command = modes.builder()
        secrets = []
        for secret, variables in _SECRETS.items():
            given = [path for variable in variables if (path := self.environment.get(variable))]
            secrets += ["--secret", f"id={secret},src={given[0]}"] if given else []
        for image, build in images.items():
            arguments = [part for name, value in build["args"].items() for part in ("--build-arg", f"{name}={value}")]
            file = ("--file", str(Path(build["context"]) / build["dockerfile"]), "--target", build["target"])
            self._execute([*command, "--tag", image, *file, *arguments, *secrets, build["context"]])
        return len(images)

    def down(self) -> None:
        """Stop every container and keep the data."""
        self._quietly("--profile", "*", "down")

    def destroy(self) -> None:
        """Delete everything, data and secrets included; the images stay."""
        self._quietly("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")
        self._path.unlink(missing_ok=True)

    def scale(self, service: str, kind: str, count: int) -> None:
        """Run `count` containers of a kind of `service`; the gateway finds them by its name."""
        if service not in SERVICES or kind not in KINDS:
            known = ", ".join(f"{name}, {name}-worker" for name in SERVICES)
            raise OperatorError(f"there is no {service}-{kind}; known are: {known}")
        if count < (1 if kind == WEB else 0):
            raise OperatorError("a service needs at least one web process (and no fewer than no workers)")
        name = f"{service}-{kind}"
        self._keep(scale={**self._kept["scale"], name: count})
        # Alone, and without what it depends on: nothing else is looked at, and nothing is made anew.
        alone = ("--no-deps", "--no-recreate", "--no-build")
        self._quietly("up", "--detach", "--wait", *alone, "--scale", f"{name}={count}", name)

    def roll(self, name: str, *, outdated: bool = False) -> int:
        """Put new containers in the place of those of `name`, a service of compose, without a gap; return how many.

        Of all, or of the `outdated` alone: a roll that was interrupted then comes to its end.
        """
        there = self.run("ps", "--quiet", name).split()
        if not there:
            raise OperatorError(f"{name} does not run")
        before = [container for container in there if not outdated or self._is_outdated(name, container)]
        if not before:
            return 0
        # All new ones are there before the first old one goes: one of both numbers is the one that is wanted.
        wanted = max(len(before), len(there) - len(before))
        alone = ("--no-deps", "--no-recreate", "--no-build")
        self._quietly("up", "--detach", "--wait", *alone, "--scale", f"{name}={wanted + len(before)}", name)
        for container in before:
            # A server hangs up on connections that idle when it stops, and a request may be on its way on one of them.
            servers = self._servers_at(self._addresses(container))
            self._set_servers(servers, "drain")
            self._execute(["docker", "stop", container])
            self._execute(["docker", "rm", container])
            # The next one at that place is not meant.
            self._set_servers(servers, "ready")
        return len(before)

    def start_again(self, services: Sequence[str]) -> None:
        """Start the containers of these services that were stopped, and wait until they are ready."""
        names = [f"{service}-{kind}" for service in services for kind in KINDS]
        counts = {name: len(self.run("ps", "--all", "--quiet", name).split()) for name in names}
        scales = [part for name, count in counts.items() for part in ("--scale", f"{name}={count}")]
        self._quietly("up", "--detach", "--wait", "--no-deps", "--no-recreate", "--no-build", *scales, *names)

    def replace(self, name: str) -> None:
        """Put a new container in the place of one that may be away for a moment."""
        self._quietly("up", "--detach", "--wait", "--no-deps", "--no-build", name)

    def job(self, name: str, *arguments: str) -> str:
        """Run a job of the compose file to its end; return what it prints."""
        return self.run("run", "--rm", "--no-TTY", "--no-deps", name, *arguments)

    def _is_outdated(self, name: str, container: str) -> bool:
        """Whether a container of an older image, or one that was told something else, runs under that name."""
        shown = '{{.Image}} {{index .Config.Labels "com.docker.compose.config-hash"}}'
        image, told = self._execute(["docker", "inspect", "--format", shown, container]).split()
        wanted = json.loads(self.run("config", "--format", "json", name))["services"][name]["image"]
        there = self._execute(["docker", "image", "inspect", "--format", "{{.Id}}", wanted]).strip()
        return image != there or told != self.run("config", "--hash", name).split()[-1]

    def _addresses(self, container: str) -> set[str]:
        shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        return set(self._execute(["docker", "inspect", "--format", shown, container]).split())

    def _servers_at(self, addresses: set[str]) -> list[str]:
        """Those that the gateway sends requests to, as backend/server."""
        rows = [line.split() for line in self._tell_gateway("show servers state").splitlines()]
        return [f"{row[1]}/{row[3]}" for row in rows if len(row) > _ADDRESS and row[_ADDRESS] in addresses]

    def _set_servers(self, servers: Sequence[str], state: str) -> None:
        if servers:
            self._tell_gateway(*(f"set server {server} state {state}" for server in servers))
            time.sleep(_DRAIN_SECONDS)

    def _tell_gateway(self, *commands: str) -> str:
        return self.run("exec", "--no-TTY", "gateway-agent", "python3", "-m", "crm.jobs.tell", *commands)

    # Looking at it

    def containers(self) -> list[Container]:
        """All that should run, whether or not it does."""
        listed = [json.loads(line) for line in self.run("ps", "--all", "--format", "json").splitlines()]
        return sorted((_container(entry) for entry in listed if not _is_done(entry)), key=lambda row: row.name)

    def follow_logs(self, program: str | None, *, lines: int, follow: bool) -> None:
        """Become the command that shows them."""
        names = self.run("config", "--services").split()
        chosen = [name for name in names if program is None or name == program or name.startswith(f"{program}-")]
        if not chosen:
            raise OperatorError(f"there is no log of {program}; known are: {', '.join(sorted(names))}")
        command = [*self._command, "logs", f"--tail={lines}", *(["--follow"] if follow else []), *chosen]
        sys.stdout.flush()
        os.execvpe(command[0], command, self.environment)  # noqa: S606  # No shell is wanted.

    # Jobs

    def demo(self, command: str) -> str:
        """What `seed`, `token` or `creds` of the demo tenants prints."""
        said = self.job("demo", command)
        if command == "seed":
            self._keep(demo=True)
        return said.strip("\n")

    def backup(self, command: str, *arguments: str) -> str:
        """What a command of the container `backup` prints; `crm.jobs.backup` says which there are."""
        self.build("backup")
        return self.job("backup", command, *arguments)

    def signing_keys(self) -> list[SigningKey]:
        """Every signing key there ever was, the oldest first."""
        return [SigningKey(**key) for key in json.loads(self._once("identity", "identity.keys", "list"))]

    def rotate_keys(self, *, compromised: bool = False) -> Rotation:
        """As a native stack does: let the next key sign, and end the tokens of one that is `compromised`."""
        self.configure_gateway()
        arguments = ("rotate", "--force") if compromised else ("rotate",)
        rotation = Rotation(**json.loads(self._once("identity", "identity.keys", *arguments)))
        if compromised:
            self._once("identity", "identity.keys", "revoke", rotation.retired)
        self.configure_gateway()
        if compromised:
            self.forget_keys()
        return rotation

    def forget_keys(self) -> None:
        """Have every web process start anew after its requests: they remember keys, and tokens that were good."""
        self.run("kill", "--signal", "HUP", *(f"{service}-{WEB}" for service in SERVICES))

    def resync(self, service: str, *, remove: bool = False) -> None:
        """Have `service` rebuild what it keeps of other services' records; safe at any time."""
        print(self._once(service, f"{service}.operators", "resync", *(["--remove"] if remove else [])), end="")

    def rekey(self, service: str, company: int) -> None:
        """Have `service` make the keys of its records anew, from `company` on."""
        print(self._once(service, f"{service}.operators", "rekey", "--company", str(company)), end="")

    def _once(self, service: str, *arguments: str) -> str:
        """Run a module of `service` with its owner's rights."""
        once = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "python3", f"{service}-prepare", "-m")
        return self.run(*once, *arguments)

    def dead_letters(self, service: str, command: str, *arguments: str) -> list[Any]:
        """What the service's own command about its dead letters answers."""
        module = "chassis.broker.dead_letter_command"
        answer: list[Any] = json.loads(self._once(service, module, command, service, *arguments))
        return answer

    def configure_gateway(self) -> None:
        """Render it anew, with the keys that identity publishes now."""
        self.job("gateway-configuration")

    def rabbitmqctl(self, *arguments: str, given: str | None = None) -> str:
        """What RabbitMQ's own command prints, with `given` to read. Raises OperatorError when it fails."""
        return self.run("exec", "--no-TTY", "rabbitmq", "rabbitmqctl", "--quiet", *arguments, given=given)

    def run(self, *arguments: str, given: str | None = None) -> str:
        """What a command of compose prints. Raises OperatorError with what it said when it fails."""
        return self._execute([*self._command, *arguments], given)

    def pipe(self, first: Sequence[str], then: Sequence[str], *, documented: Sequence[int]) -> tuple[int, str]:
        """As that of a native stack, of two commands of compose."""
        told = {"env": self.environment}
        return piped(
            {"args": [*self._command, *first], **told}, {"args": [*self._command, *then], **told}, documented=documented
        )

    def _quietly(self, *arguments: str) -> None:
        self._execute([*self._command, "--progress", "quiet", *arguments])

    def _execute(self, command: list[str], given: str | None = None) -> str:
        done = subprocess.run(
            command,
            input=given,
            env={**self.environment, "DOCKER_BUILDKIT": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()[-20:]
            lines = "\n".join(f"    {line}" for line in said)
            raise OperatorError(f"`{' '.join(command[-6:])}` failed:\n{lines}")
        return done.stdout

    def _keep(self, **values: Any) -> None:
        self._kept |= values
        write_private(self._path, json.dumps(self._kept, indent=1, sort_keys=True) + "\n")


def _is_done(entry: Mapping[str, Any]) -> bool:
    """Whether it is a job that did what it was for; a program that was stopped ends with 0 too."""
    return (entry["State"], entry["ExitCode"]) == ("exited", 0) and "crm.job=true" in entry["Labels"].split(",")


def _container(entry: Mapping[str, Any]) -> Container:
    ready = entry["State"] == "running" and entry["Health"] in ("", "healthy")
    reason = "" if ready else entry["Health"] or f"exit code {entry['ExitCode']}"
    return Container(entry["Name"].removeprefix(f"{entry['Project']}-"), entry["State"], entry["RunningFor"], reason)
