"""The Makefile is the one list of commands: it explains itself, and CI runs nothing else."""

import re
from pathlib import Path

import pytest

TARGET = re.compile(r"^([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*):(?!=)([^#\n]*)(##.*)?$", re.MULTILINE)
# What a shell script needs around its commands.
SHELL = re.compile(r"(#|set -|cd \"\$\(dirname|$)")
MAKE = re.compile(r"(?:exec )?make((?: [A-Za-z0-9_=-]+)+)$")


@pytest.fixture
def targets(root: Path) -> dict[str, str]:
    """The caption of each target."""
    found = TARGET.findall((root / "Makefile").read_text())
    assert found
    return {name: caption for names, _, caption in found for name in names.split()}


def test_every_target_has_a_caption(targets: dict[str, str]) -> None:
    assert [name for name, caption in targets.items() if len(caption.removeprefix("##").strip()) < 5] == []


def test_help_is_what_make_alone_does(root: Path, targets: dict[str, str]) -> None:
    text = (root / "Makefile").read_text()
    assert re.search(r"^\.DEFAULT_GOAL\s*:?=\s*help$", text, re.MULTILINE) or next(iter(targets)) == "help"


def test_ci_runs_targets_of_the_makefile_and_nothing_else(root: Path, targets: dict[str, str]) -> None:
    lines = [line.strip() for line in (root / ".ci" / "run").read_text().splitlines()]
    commands = [line for line in lines if not SHELL.match(line)]
    assert commands
    for command in commands:
        made = MAKE.match(command)
        assert made, f"CI runs {command!r}, which is no call of make"
        wanted = {word for word in made[1].split() if not word.startswith("-") and "=" not in word}
        assert wanted - targets.keys() == set()


def test_ci_runs_the_tests_as_the_readme_says(root: Path) -> None:
    assert "make test" in (root / "README.md").read_text()
    assert re.search(r"make .*\btest\b", (root / ".ci" / "run").read_text())
