"""Every command of the guides is run as it stands there, in order, in one shell, against a system of its own.

A fence `sh` is run and must succeed; a fence `text` right behind it is what it prints, where `…` stands for anything.
"""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "\x1e"


def steps(guide):
    """The commands of a guide, each with what it is to print (None: anything)."""
    fences = [*FENCE.finditer(guide.read_text()), None]
    for fence, following in pairwise(fences):
        if fence[1] == "sh":
            adjacent = following is not None and following[1] == "text"
            adjacent = adjacent and not fence.string[fence.end() : following.start()].strip()
            yield fence[2], following[2] if adjacent else None


def matches(expected, printed):
    pattern = ".*?".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL)


def test_there_are_guides():
    assert GUIDES


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_does_what_it_says(guarded, guide, tmp_path):
    script = "set -euo pipefail\n"
    known = list(steps(guide))
    assert known
    for number, (command, _) in enumerate(known):
        script += f"printf '{MARK}{number}\\n'\n{command}\n"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CRM_URL": f"{guarded.gateway_url}/v1",
        "CRM_HOME": str(guarded.home),
    }
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300, check=False
    )
    parts = done.stdout.split(MARK)[1:]
    last = len(parts) - 1
    assert done.returncode == 0, f"step {last}:\n{known[last][0]}\n{parts[last]}\n{done.stderr[-2000:]}"
    for (command, expected), part in zip(known, parts, strict=True):
        printed = part.partition("\n")[2]
        if expected is not None:
            assert matches(expected, printed), f"{command}\nprinted:\n{printed}\nand not:\n{expected}"
