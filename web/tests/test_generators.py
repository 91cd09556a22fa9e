"""Generators and linters that developers use take the whole document without a word of warning; all of it is slow."""

import json
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
TYPESCRIPT = "openapi-typescript@7.13.0"


@pytest.fixture
def file(document: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    return path


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_whole_python_client_is_generated_without_a_warning(tmp_path: Path, document: dict[str, Any]) -> None:
    generate = runpy.run_path(str(ROOT / "clients" / "python" / "generate.py"))["generate"]
    assert "arning" not in generate(tmp_path)
    operations = sum("operationId" in each for path in document["paths"].values() for each in path.values())
    assert len(list((tmp_path / "generated" / "api").glob("*/[a-z]*.py"))) == operations


def test_types_for_typescript_are_generated_without_a_warning(file: Path, tmp_path: Path) -> None:
    """It needs Node and npm's registry."""
    said = run("npx", "--yes", TYPESCRIPT, file, "-o", tmp_path / "crm.d.ts")
    assert "arn" not in said.replace("npm warn", "")
    assert "create_customer" in (tmp_path / "crm.d.ts").read_text()


def test_redocly_finds_no_error(file: Path) -> None:
    """It needs Node and npm's registry."""
    linter = re.search(r"^REDOCLY := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert linter is not None
    run("npx", "--yes", linter[1], "lint", file)
