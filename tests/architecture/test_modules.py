"""The shape of the code: small modules that say what they are, services alike, nothing of one machine."""

import ast
import re
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

LARGEST = 400
# Import names and distributions, beside the services'.
PACKAGES = {
    "chassis": "crm-chassis",
    "crm": "crm-operator",
    "gateway": "crm-gateway",
    "imports": "crm-imports",
    "people": "crm-people",
    "sample": "crm-sample",
}
# Files of a service that all have; import-linter refuses modules beyond these and the optional ones. A module may be a
# package, split by noun.
PARTS = (
    "README.md",
    "pyproject.toml",
    "migrations/env.py",
    "tests/battery.py",
    "tests/conftest.py",
    "{name}/__init__.py",
    "{name}/app.py",
    "{name}/commands.py",
    "{name}/models.py",
    "{name}/py.typed",
    "{name}/queries.py",
    "{name}/routes.py",
    "{name}/schemas.py",
    "{name}/wsgi.py",
)
OF_ONE_MACHINE = re.compile(r"(?<![\w.$}~*-])/(work|root|home|Users)/")
# What the engine of imports may not know of: it is used for all of them.
NOUNS = re.compile(r"\b(customer|contact|lead|deal)s?\b", re.IGNORECASE)
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def test_no_module_is_too_long_to_read(root: Path, modules: list[Path]) -> None:
    lengths = {str(module): len((root / module).read_text().splitlines()) for module in modules}
    assert {module: length for module, length in lengths.items() if length > LARGEST} == {}


def test_every_module_says_what_lives_there(root: Path, modules: list[Path]) -> None:
    silent = [module for module in modules if not ast.get_docstring(ast.parse((root / module).read_text()))]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing(modules: list[Path]) -> None:
    assert [module for module in modules if module.stem in FORBIDDEN_NAMES] == []


def test_the_engine_of_imports_knows_no_kind_of_record(root: Path, modules: list[Path]) -> None:
    library = Path("libs/imports/imports")
    engine = [one for one in modules if one.is_relative_to(library / "engine") or one.is_relative_to(library / "web")]
    assert len(engine) > 10
    named = [
        f"{one}:{number}"
        for one in engine
        for number, line in enumerate((root / one).read_text().replace("_", " ").splitlines(), 1)
        if NOUNS.search(line)
    ]
    assert named == []


def test_tests_are_no_package(modules: list[Path]) -> None:
    """Test modules of two services may share a name, since pytest imports each by its path."""
    assert [module for module in modules if "tests" in module.parts and module.name == "__init__.py"] == []


def test_every_service_has_the_same_files(folder: Path, service_name: str) -> None:
    missing = []
    for part in PARTS:
        module = folder / part.format(name=service_name)
        if not module.is_file() and not (module.with_suffix("") / "__init__.py").is_file():
            missing.append(part)
    assert missing == []


@pytest.mark.parametrize("kind", ["unit", "integration"])
def test_every_service_has_tests_of_both_kinds(folder: Path, kind: str) -> None:
    assert list((folder / "tests" / kind).glob("test_*.py"))


def test_our_import_names_are_ours_alone(root: Path, service_names: list[str]) -> None:
    distributions = PACKAGES | {name: f"crm-{name}" for name in service_names}
    for package, distribution in distributions.items():
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        assert Path(spec.origin).is_relative_to(root)
        assert set(packages_distributions().get(package, [distribution])) == {distribution}


def test_no_file_knows_a_path_of_one_machine(root: Path, files: list[Path]) -> None:
    found = []
    for path in files:
        try:
            lines = (root / path).read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path}:{number}" for number, line in enumerate(lines, 1) if OF_ONE_MACHINE.search(line)]
    assert found == []
