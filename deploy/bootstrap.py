"""Stage 0: from a machine with Python, make and git to an environment in which `crm` runs. Standard library only.

`python3 deploy/bootstrap.py [--bench] [--faults] [--run] [--mode auto|compose|native] [--compose-test]` installs
the system packages that are missing (as root or through sudo without a password; otherwise it prints the line that
does), makes .venv, and installs the hashed requirements and the packages of this repository: with `--run` those that a
stack needs, otherwise those of tests and checks too. It is safe to repeat and to interrupt, and takes no time when
there is nothing to do.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # Said as a sentence, before anything fails.
    version = ".".join(map(str, sys.version_info[:2]))
    sys.exit("Python 3.11 or newer is needed; this is %s. Try: make PYTHON=python3.11" % version)  # noqa: UP031

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from crm import modes, programs
from crm.errors import OperatorError

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
# The Python that the images have, with Debian's optimisations. One that was built without them, as pyenv builds by
# default, takes half as long again for a loop, and a seventh more for the work of a consumer (ADR 0048).
DISTRIBUTION_PYTHON = Path("/usr/bin/python3")
# What runs a stack, and what tests, checks and measures it: the second holds all of the first in the same versions.
OPERATOR_REQUIREMENTS = ROOT / "requirements" / "operator.txt"
DEVELOPER_REQUIREMENTS = ROOT / "requirements" / "dev.txt"
# Docker Compose itself, for machines whose Docker has none.
COMPOSE_REQUIREMENTS = ROOT / "requirements" / "compose.txt"
SERVICES = sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml"))
LIBRARIES = sorted(path.parent for path in ROOT.glob("libs/*/pyproject.toml"))
PACKAGES = (*LIBRARIES, *SERVICES, ROOT / "gateway", ROOT / "web", ROOT / "deploy")
# PEP 660's own function, in each of the folders that are named after the one for the wheels.
EDITABLE_WHEELS = """
import os, sys
from hatchling.build import build_editable
for folder in sys.argv[2:]:
    os.chdir(folder)
    build_editable(sys.argv[1])
"""
# Where a telephone is, whose network it is in, and its time zone: 17 MB, most of what there would be to compile.
NEVER_LOADED = "/phonenumbers/(?:carrier|geo|tz)data/"
POLICY = Path("/usr/sbin/policy-rc.d")
OUR_POLICY = "#!/bin/sh\n# Written by deploy/bootstrap.py for the length of one installation.\nexit 101\n"
CLUSTER_CONFIGURATION = Path("/etc/postgresql-common/createcluster.conf")


def say(text: str) -> None:
    # On stderr: `$(make -s token)` wants nothing but the token on stdout.
    print(f" · {text}", file=sys.stderr, flush=True)


def stop(text: str) -> None:
    print(f"✗ {text}", file=sys.stderr)
    raise SystemExit(1)


def main() -> None:
    options = sys.argv[1:]
    of_compose = "--compose-test" in options or mode(options) == modes.COMPOSE
    missing = programs.missing_packages(wanted_packages(options))
    if missing:
        install_packages(missing)
    install_python_packages(for_developers="--run" not in options)
    if of_compose and not (VENV / "bin" / "docker-compose").exists() and modes.compose_command() is None:
        say("installing Docker Compose into .venv (hash checked)")
        pip("install", "--require-hashes", "--requirement", str(COMPOSE_REQUIREMENTS))


def wanted_packages(options: Sequence[str]) -> list[programs.Package]:
    """What has to be installed before anything can run, in the order of its need."""
    native = mode(options) == modes.NATIVE
    wanted = [] if venv_works() else [programs.VENV]
    wanted += programs.SERVERS if native else ()
    if "--compose-test" in options:
        wanted += () if modes.engine_answers() else (programs.DOCKER,)
        wanted += (programs.IPTABLES, programs.DEBOOTSTRAP)
    if "--bench" in options:
        wanted.append(programs.WRK)
    # A stack that is to have an archive asks for it where it starts.
    if "--faults" in options or (native and os.environ.get("CRM_ARCHIVE")):
        wanted.append(programs.PGBACKREST)
    if "--faults" in options:
        wanted.append(programs.PROMETHEUS)
    return wanted


def mode(options: Sequence[str]) -> str:
    """How the stack is to run that is asked for after `--mode`; without it, what tests and checks need: native."""
    wanted = options[options.index("--mode") + 1] if "--mode" in options else modes.NATIVE
    try:
        return modes.chosen(Path(os.environ.get("CRM_HOME") or ROOT / ".local"), wanted)
    except OperatorError as error:
        stop(str(error))
        raise


def install_python_packages(*, for_developers: bool) -> None:
    """Install what is not there yet or has changed."""
    # A stack that runs does not notice what developers get on top of it.
    wanted = digest(OPERATOR_REQUIREMENTS, *(package / "pyproject.toml" for package in PACKAGES))
    if not is_stamped("operator", wanted):
        make_venv()
        say("installing the Python packages (hashes checked)")
        install_pinned(OPERATOR_REQUIREMENTS)
        install_in_place(PACKAGES)
        byte_compile()
        stamp("operator", wanted)
    wanted = digest(DEVELOPER_REQUIREMENTS)
    if for_developers and not is_stamped("developer", wanted):
        say("installing the Python packages of tests and checks (hashes checked)")
        install_pinned(DEVELOPER_REQUIREMENTS)
        byte_compile()
        stamp("developer", wanted)


def digest(*files: Path) -> str:
    """Changes when one of the files, the interpreter or the place of the checkout does."""
    content = hashlib.sha256(f"{ROOT}\n{sys.version_info[:2]}\n".encode())
    for path in files:
        content.update(path.read_bytes())
    return content.hexdigest()


def is_stamped(kind: str, wanted: str) -> bool:
    path = VENV / f"{kind}.sha256"
    return path.exists() and path.read_text() == wanted


def stamp(kind: str, done: str) -> None:
    (VENV / f"{kind}.sha256").write_text(done)


def install_pinned(requirements: Path) -> None:
    """Install a lock file, which names every package there is to install: pip has nothing to find out by itself."""
    pip("install", "--require-hashes", "--no-deps", "--no-compile", "--requirement", str(requirements))


def install_in_place(packages: Sequence[Path]) -> None:
    """As `pip install --editable` does, which starts three processes for each package instead of one for all."""
    with tempfile.TemporaryDirectory() as wheels:
        run([str(VENV / "bin" / "python"), "-c", EDITABLE_WHEELS, wheels, *map(str, packages)])
        built = sorted(str(path) for path in Path(wheels).glob("*.whl"))
        pip("install", "--no-index", "--no-deps", "--no-compile", "--force-reinstall", *built)


def byte_compile() -> None:
    """Compile all that is run, on every core; processes that start together would each compile it."""
    left_out = f"^{re.escape(str(ROOT))}/[^.].*/tests/|{NEVER_LOADED}"
    command = [VENV / "bin" / "python", "-m", "compileall", "-qq", "-j", "0", "-x", left_out, VENV / "lib", *PACKAGES]
    # Some packages bring templates and data called .py; pip takes no offence at these either.
    subprocess.run(command, check=False)


def venv_works() -> bool:
    return (VENV / "bin" / "python").exists() and (VENV / "bin" / "pip").exists()


def make_venv() -> None:
    if venv_works() and subprocess.run([VENV / "bin" / "python", "-c", "import pip"], check=False).returncode == 0:
        return
    chosen = interpreter()
    say(f"making a virtual environment in .venv with {chosen}")
    # --clear: a run that was interrupted may have left half of one.
    run([chosen, "-m", "venv", "--clear", str(VENV)])


def interpreter() -> str:
    """The Python for .venv: the distribution's where it will do, unless `make PYTHON=…` names another."""
    able = f"import ensurepip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    if "PYTHON" in os.environ or not DISTRIBUTION_PYTHON.exists():
        return sys.executable
    done = subprocess.run([DISTRIBUTION_PYTHON, "-c", able], capture_output=True, check=False)
    return str(DISTRIBUTION_PYTHON) if done.returncode == 0 else sys.executable


def pip(*arguments: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-script-location")
    run([str(VENV / "bin" / "python"), "-m", "pip", *arguments, *quiet])


def run(command: Sequence[str]) -> None:
    """Run quietly; show what the command said only when it failed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        stop(f"`{' '.join(command[:6])} …` failed with exit code {done.returncode}; its output is above.")


def privilege() -> list[str] | None:
    """What to put before a command that needs root: nothing, sudo, or None when there is no way."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "--non-interactive", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "--non-interactive"]
    return None


def install_packages(missing: Sequence[programs.Package]) -> None:
    names = [package.name for package in missing]
    prefix = privilege()
    if prefix is None or shutil.which("apt-get") is None:
        stop(f"missing: {', '.join(names)}. Install them with: {programs.install_line(missing)}")
        return
    say(f"installing {', '.join(names)} (no system service is started)")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "UCF_FORCE_CONFFOLD=1", "apt-get", "-qq", "-y"]
    with services_kept_from_starting(prefix):
        # A fresh machine has no package lists; an old one has stale ones. A failure here shows in the install.
        subprocess.run([*apt, "update"], capture_output=True, check=False)
        # The cluster configuration that was written above is kept without a question.
        keep = ("-o", "Dpkg::Options::=--force-confold")
        run([*apt, *keep, "install", "--no-install-recommends", *names])
    still = programs.missing_packages(missing)
    if still:
        stop(f"still missing after the installation: {', '.join(package.name for package in still)}")


@contextlib.contextmanager
def services_kept_from_starting(prefix: Sequence[str]) -> Iterator[None]:
    """Have Debian's packages start no service (policy-rc.d, exit 101) and make no `main` cluster meanwhile."""
    if not CLUSTER_CONFIGURATION.exists():
        # The package reads this when it is configured for the first time; a machine that has it is left alone.
        write(prefix, CLUSTER_CONFIGURATION, "create_main_cluster = false\n")
    saved = POLICY.with_name("policy-rc.d.before-crm")
    # A run that was killed may have left ours behind, which is nobody's to keep.
    if POLICY.exists() and POLICY.read_text() != OUR_POLICY:
        run([*prefix, "mv", str(POLICY), str(saved)])
    try:
        write(prefix, POLICY, OUR_POLICY)
        run([*prefix, "chmod", "755", str(POLICY)])
        yield
    finally:
        run([*prefix, "rm", "-f", str(POLICY)])
        if saved.exists():
            run([*prefix, "mv", str(saved), str(POLICY)])


def write(prefix: Sequence[str], path: Path, text: str) -> None:
    run([*prefix, "mkdir", "-p", str(path.parent)])
    subprocess.run([*prefix, "tee", str(path)], input=text, text=True, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
