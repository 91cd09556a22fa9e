"""Lock files: every package is pinned by its hash, and none says where it was downloaded from."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PINNED = re.compile(r"([a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==[^\s\\]+( ; [^\\]+)?$", re.IGNORECASE)
# What runs a stack; and in it what only tests and checks import, which `make up` does not install for.
RUNNING = ("libs/*/*/", "services/*/*/", "gateway/gateway/", "web/web/", "deploy/crm/")
OF_DEVELOPERS = (
    "deploy/crm/container_servers.py",
    "deploy/crm/kubernetes/check.py",
    "deploy/crm/testing.py",
    "libs/chassis/chassis/contracts/",
    "libs/chassis/chassis/testing/",
    "libs/people/people/countries_of_cldr.py",
)


@pytest.fixture
def locks(root: Path) -> dict[str, str]:
    found = {path.name: path.read_text() for path in (root / "requirements").glob("*.txt")}
    assert found.keys() >= {"runtime.txt", "dev.txt"}
    return found


def requirements(lock: str) -> list[str]:
    """The requirements of a lock, each as one line without comments."""
    kept = "\n".join(line for line in lock.splitlines() if not line.lstrip().startswith("#"))
    return [line.strip() for line in kept.replace("\\\n", " ").splitlines() if line.strip()]


def test_no_lock_contains_a_url(root: Path, files: list[Path], locks: dict[str, str]) -> None:
    lock_files = [
        path for path in files if path.name.endswith((".lock", "-lock.json")) or path.parent.name == "requirements"
    ]
    assert len(lock_files) >= len(locks)
    assert [path for path in lock_files if "://" in (root / path).read_text()] == []


def test_every_requirement_is_pinned_and_hashed(locks: dict[str, str]) -> None:
    for name, lock in locks.items():
        assert requirements(lock)
        for requirement in requirements(lock):
            pinned, *hashes = re.split(r"\s+--hash=", requirement)
            assert PINNED.match(pinned), f"{name}: {requirement[:80]}"
            assert hashes, f"{name}: {pinned} has no hash"
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()) for value in hashes)


def test_every_wish_is_locked(root: Path, locks: dict[str, str]) -> None:
    for name, lock in locks.items():
        wishes = (root / "requirements" / name).with_suffix(".in").read_text()
        wanted = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)", wishes, re.MULTILINE))
        locked = {re.split(r"[\[=]", requirement)[0] for requirement in requirements(lock)}
        assert wanted - locked == set()


def test_what_runs_is_what_is_tested(locks: dict[str, str]) -> None:
    runtime, operator, developer = (
        set(requirements(locks[name])) for name in ("runtime.txt", "operator.txt", "dev.txt")
    )
    assert runtime < operator < developer


def test_a_stack_runs_without_what_tests_and_checks_need(
    root: Path, modules: list[Path], locks: dict[str, str]
) -> None:
    there = {normalised(re.split(r"[\[=]", requirement)[0]) for requirement in requirements(locks["operator.txt"])}
    distributions = packages_distributions()
    wanted: dict[str, set[str]] = {}
    for module in modules:
        if in_folders(module, RUNNING) and not in_folders(module, OF_DEVELOPERS) and "tests" not in module.parts:
            for name in imported(ast.parse((root / module).read_text())) - sys.stdlib_module_names:
                providers = {normalised(provider) for provider in distributions.get(name, ())}
                if providers and not any(one.startswith("crm-") or one in there for one in providers):
                    wanted.setdefault(str(module), set()).add(name)
    assert wanted == {}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def in_folders(module: Path, folders: tuple[str, ...]) -> bool:
    return any(re.match(folder.replace("*", "[^/]+"), str(module)) for folder in folders)


def imported(tree: ast.Module) -> set[str]:
    """The top-level names of everything that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
