"""The list of faults that tests must notice (`make mutants`) follows the code."""

import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def module(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "tests" / "mutants.py"))


def test_every_fault_can_be_put_in_and_its_tests_are_there(module: dict[str, Any], root: Path) -> None:
    found = module["mutants"]()
    assert len(found) >= 30
    stale = []
    for mutant in found:
        try:
            mutant.check(root)
        except module["StaleMutantError"] as error:
            stale.append(str(error))
    assert stale == [], "tests/mutants.toml has to follow the code"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"file": "tests/none.py"}, "there is no tests/none.py any more"),
        ({"old": "a text that is nowhere"}, "stands 0 times"),
        ({"old": "e"}, "times in tests/conftest.py, not once"),
        ({"tests": ["tests/none.py"]}, "there is no test tests/none.py"),
        ({"tests": ["tests/architecture/test_mutants.py::test_none"]}, "there is no test"),
        ({"tests": []}, "no test is named"),
    ],
)
def test_a_fault_that_no_longer_applies_is_named(
    module: dict[str, Any], root: Path, change: dict[str, Any], said: str
) -> None:
    good = {
        "name": "example",
        "file": "tests/conftest.py",
        "old": "def register_at(api):",
        "new": "def register_at(_):",
        "tests": ["tests/architecture/test_mutants.py"],
    }
    module["Mutant"](**good).check(root)
    with pytest.raises(module["StaleMutantError"], match=f"^example: .*{said}"):
        module["Mutant"](**good | change).check(root)


def test_the_copy_has_the_sources_and_nothing_that_git_ignores(module: dict[str, Any], root: Path) -> None:
    with module["copy_of_the_tree"]() as copy:
        assert (copy / "tests" / "mutants.toml").read_text() == (root / "tests" / "mutants.toml").read_text()
        assert {path.name for path in copy.iterdir()} & {".git", ".venv", ".local", ".local-docker"} == set()
        assert not list(copy.rglob("__pycache__"))
