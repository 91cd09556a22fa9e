"""The scripts of the documentation pages: which files of which npm packages they are, fetched anew with `fetch`.

They lie in the repository because they are few, change seldom, and `make up` then needs neither Node nor a registry.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from hashlib import sha512
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "vendor"
PINS = FOLDER / "packages.json"
USAGE = 64  # sysexits.h: the command was used wrongly.


def pins() -> dict[str, Any]:
    """What is pinned: by the package's name its version, its integrity (RFC 2045's base64 of SHA-512) and its files."""
    found: dict[str, Any] = json.loads(PINS.read_bytes())
    return found


def integrity(content: bytes) -> str:
    """The hash of a content as npm writes it."""
    return f"sha512-{b64encode(sha512(content).digest()).decode()}"


def fetch() -> None:
    """Download the pinned packages with npm, check them, and take out of each the files that are needed."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, pin in pins().items():
            command = ["npm", "pack", "--silent", f"{name}@{pin['version']}"]
            done = subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True)
            archive = Path(scratch) / done.stdout.strip()
            if integrity(archive.read_bytes()) != pin["integrity"]:
                raise SystemExit(f"{name} {pin['version']} is not what is pinned")
            with tarfile.open(archive) as packed:
                for source, target in pin["files"].items():
                    member = packed.extractfile(f"package/{source}")
                    if member is None:
                        raise SystemExit(f"{name} has no file {source}")
                    path = FOLDER / target["path"]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(member.read())


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        print("usage: python -m web.vendor fetch", file=sys.stderr)  # noqa: T201  # A command line.
        raise SystemExit(USAGE)
    fetch()
