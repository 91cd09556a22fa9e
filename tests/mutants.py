"""Faults put in by hand, one at a time, each of which a test must notice: `make mutants` (ONLY=part of a name).

The list is tests/mutants.toml. Each fault is put into a copy of the tree, whose tests import the copy; the tree itself is
never touched. A fault that survives is a hole in the tests, one that no longer applies has to be written anew.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crm.sandbox import running
from crm.testing import BROKER_VARIABLE, POSTGRES_VARIABLE

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests" / "mutants.toml"
# What pytest answers when all tests passed, and when some did not; anything else is no verdict.
PASSED, FAILED = 0, 1
SECONDS = 300


class StaleMutantError(Exception):
    """A fault cannot be put in, or its tests are not there: the list has to follow the code."""


@dataclass(frozen=True)
class Mutant:
    """One fault: in `file` the text `old`, which stands there once, becomes `new`; one of `tests` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: Sequence[str]

    def check(self, root: Path) -> None:
        """Raise StaleMutantError unless the fault can be put in and its tests are there."""
        path = root / self.file
        if not path.is_file():
            raise StaleMutantError(f"{self.name}: there is no {self.file} any more")
        count = path.read_text().count(self.old)
        if count != 1 or self.old == self.new:
            raise StaleMutantError(f"{self.name}: its old text stands {count} times in {self.file}, not once")
        for test in self.tests:
            file, _, function = test.partition("::")
            text = (root / file).read_text() if (root / file).is_file() else ""
            if not text or (function and not re.search(rf"def {re.escape(function.partition('[')[0])}\b", text)):
                raise StaleMutantError(f"{self.name}: there is no test {test}")
        if not self.tests:
            raise StaleMutantError(f"{self.name}: no test is named")


def mutants() -> list[Mutant]:
    """The list; raises StaleMutantError for a name that stands there twice."""
    found = [Mutant(**entry) for entry in tomllib.loads(LIST.read_text())["mutant"]]
    if len({mutant.name for mutant in found}) != len(found):
        raise StaleMutantError("two mutants have one name")
    return found


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """The tree without what is made from it, which git ignores."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    with tempfile.TemporaryDirectory(prefix="crm-mutants-") as folder:
        copy = Path(folder) / "tree"
        for name in filter(None, names):
            if (ROOT / name).exists():  # Deleted ones are listed until that is committed.
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy / name)
        yield copy


def run(tree: Path, tests: Sequence[str], seconds: int | None = SECONDS) -> tuple[int, str]:
    """Run tests in the copy until one fails; pytest's verdict and what it said."""
    parts = [*sorted((tree / "libs").iterdir()), *sorted((tree / "services").iterdir())]
    packages = [*parts, tree / "gateway", tree / "deploy"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, packages)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "crm.testing", "-p", "chassis.testing", "-p", "no:cacheprovider"]
    command += ["-q", "-x", "--no-header", "--tb=line", "--show-capture=no", *tests]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return FAILED, f"no end within {seconds} s"
    return done.returncode, done.stdout[-2000:] + done.stderr[-2000:]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="part of the names of those to put in")
    only = parser.parse_args().only
    try:
        chosen = [mutant for mutant in mutants() if only in mutant.name]
        for mutant in chosen:
            mutant.check(ROOT)
    except StaleMutantError as error:
        sys.exit(f"✗ {error}. Bring tests/mutants.toml up to date.")
    if not chosen:
        sys.exit(f"✗ no mutant is called {only!r}")
    survived, unclear = [], []
    with running(vhosts=("main",)) as sandbox, copy_of_the_tree() as tree:
        postgres, broker = sandbox.postgres(), sandbox.broker()
        assert postgres is not None
        assert broker is not None
        os.environ |= {POSTGRES_VARIABLE: postgres.url(), BROKER_VARIABLE: broker.url()}
        every = sorted({test for mutant in chosen for test in mutant.tests})
        code, said = run(tree, every, None)
        if code != PASSED:
            sys.exit(f"{said}\n✗ the tests do not pass without any fault; nothing was put in.")
        for mutant in chosen:
            path = tree / mutant.file
            original = path.read_text()
            path.write_text(original.replace(mutant.old, mutant.new))
            began = time.monotonic()
            code, said = run(tree, mutant.tests)
            path.write_text(original)
            verdict = {PASSED: "SURVIVED", FAILED: "noticed"}.get(code, "UNCLEAR")
            print(f"{verdict:9} {time.monotonic() - began:5.1f} s  {mutant.name}", flush=True)
            if code == PASSED:
                survived.append(mutant.name)
            elif code != FAILED:
                unclear.append(mutant.name)
                print(said)
    print(f"{len(chosen)} put in, {len(chosen) - len(survived) - len(unclear)} noticed, {len(survived)} survived")
    return 1 if survived or unclear else 0


if __name__ == "__main__":
    sys.exit(main())
