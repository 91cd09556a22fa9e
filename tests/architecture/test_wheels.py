"""A service as a wheel, as an image has it: nothing of the checkout is needed to migrate it and to run it."""

import functools
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from chassis.testing.fixtures import DatabaseUrls

# The wheels are built once and not in each test process.
pytestmark = pytest.mark.xdist_group("wheels")


@functools.cache
def build(folder: Path, project: Path) -> Path:
    """The wheel of a project, in a folder of its own below this one."""
    folder /= project.name
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def python_of(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Callable[[str], Path]:
    """From a service's name to a Python whose site-packages hold it and the chassis as their wheels bring them."""

    wheels = tmp_path_factory.mktemp("wheels")

    @functools.cache
    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp(f"wheel-{name}")
        venv.create(folder / "venv", with_pip=False)
        (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
        for project in (*(root / "libs").iterdir(), root / "services" / name):
            with zipfile.ZipFile(build(wheels, project)) as wheel:
                wheel.extractall(packages)
        # What they depend on; that folder's own .pth files, which lead to the checkout, are not followed from here.
        (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        return folder / "venv" / "bin" / "python"

    return make


def run(python: Path, *arguments: str, **environment: str) -> str:
    """What a program prints that is told nothing of this process."""
    given = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run([python, *arguments], env=given, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_brings_its_migrations(python_of: Callable[[str], Path], root: Path, service_name: str) -> None:
    found = Path(
        run(python_of(service_name), "-c", f"from {service_name}.app import SERVICE; print(SERVICE.migrations)")
    )
    assert root not in found.parents
    own = root / "services" / service_name / "migrations"
    assert {path.relative_to(found) for path in found.rglob("*.py")} == {
        path.relative_to(own) for path in own.rglob("*.py")
    }


def test_it_migrates_with_the_owners_url_from_a_file(
    python_of: Callable[[str], Path], service_name: str, migrated: Callable[[str], DatabaseUrls], tmp_path: Path
) -> None:
    urls = migrated(service_name)
    own = {"DATABASE_URL": urls.app}
    if service_name == "identity":
        own["KEY_ENCRYPTION_KEY"] = "x" * 43 + "="
    file = tmp_path / "owner_database_url"
    file.write_text(f"{urls.owner}\n")
    printed = run(
        python_of(service_name), "-m", "chassis", "migrate", service_name, OWNER_DATABASE_URL_FILE=str(file), **own
    )
    assert printed.isdigit()


def test_identity_hashes_with_an_isolated_interpreter(python_of: Callable[[str], Path]) -> None:
    code = (
        "from identity.hashing import Hasher; h = Hasher(); print(h.matches(b'a', h.hash(b'a', 4).encode())); h.close()"
    )
    assert run(python_of("identity"), "-c", code) == "True"
