"""Write the generated half of the Python client into a folder: `python clients/python/generate.py FOLDER [PREFIX…]`."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from web.document import merge, read_documents

HERE = Path(__file__).resolve().parent
DOCUMENTS = HERE.parents[1] / "contracts" / "openapi"


def generate(folder: Path, prefixes: Sequence[str] = ()) -> str:
    """Write the package `generated` into `folder`, of the paths that begin so; answers what the generator says.

    Raises CalledProcessError where it fails, on a warning too.
    """
    document = merge(read_documents(DOCUMENTS))
    if prefixes:
        document["paths"] = {path: each for path, each in document["paths"].items() if path.startswith(tuple(prefixes))}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        given = ["--path", file.name, "--config", HERE / "generator.yaml", "--output-path", folder / "generated"]
        command = [Path(sys.executable).with_name("openapi-python-client"), "generate", *given]
        options = ["--meta", "none", "--overwrite", "--fail-on-warning"]
        done = subprocess.run([*map(str, command), *options], check=True, capture_output=True, text=True)
    return done.stdout + done.stderr


if __name__ == "__main__":
    generate(Path(sys.argv[1]), sys.argv[2:])
