"""The chassis ends transactions; a service that did would answer for a change that is half committed."""

import ast
from pathlib import Path

ENDINGS = {"commit", "rollback"}


def test_no_service_ends_a_transaction(root: Path, modules: list[Path], service_names: list[str]) -> None:
    packages = [Path("services", name, name) for name in service_names]
    ours = [module for module in modules if any(module.is_relative_to(package) for package in packages)]
    assert ours
    endings = [
        f"{module}:{node.lineno}"
        for module in ours
        for node in ast.walk(ast.parse((root / module).read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ENDINGS
    ]
    assert endings == []
