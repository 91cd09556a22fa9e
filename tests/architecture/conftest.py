"""What the architecture tests look at: the repository's files, its services, and their migrated databases."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from chassis.service import Service, load
from chassis.testing.fixtures import DatabaseUrls

ROOT = Path(__file__).parents[2]
FOLDERS = {path.parent.name: path.parent for path in sorted(ROOT.glob("services/*/pyproject.toml"))}
SERVICES = list(FOLDERS)
# What services are copied from: it is held to all that they are, but for how they are run and what they promise.
SAMPLE = "sample"
FOLDERS |= {SAMPLE: ROOT / "libs" / SAMPLE}
WITH_THE_SAMPLE = {"test_bodies", "test_migrations", "test_modules", "test_routes", "test_tenancy"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `service_name` once for every service in the tree."""
    if "service_name" in metafunc.fixturenames:
        held = [*SERVICES, SAMPLE] if metafunc.module.__name__.rpartition(".")[2] in WITH_THE_SAMPLE else SERVICES
        metafunc.parametrize("service_name", held, scope="session")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def service_names() -> list[str]:
    return SERVICES


@pytest.fixture(scope="session")
def folder(service_name: str) -> Path:
    """The service's folder."""
    return FOLDERS[service_name]


@pytest.fixture(scope="session")
def service(service_name: str) -> Service:
    return load(service_name)


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file that is tracked or would be, relative to the root."""
    # The checkout may belong to another user than the one who runs the tests; it is only listed.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = sorted(Path(name) for name in set(listed.split("\0")) if name and (ROOT / name).is_file())
    assert found
    return found


@pytest.fixture(scope="session")
def modules(files: list[Path]) -> list[Path]:
    """Every Python module among the files."""
    return [path for path in files if path.suffix == ".py"]


@pytest.fixture
def catalog(migrated: Callable[[str], DatabaseUrls], service_name: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the service's database as its migrations built it."""
    with psycopg.connect(migrated(service_name).superuser, autocommit=True) as connection:
        yield connection
