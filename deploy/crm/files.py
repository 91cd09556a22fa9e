"""Files that are never half-written and never readable by others."""

import os
from pathlib import Path

PRIVATE = 0o600


def write_private(path: Path, text: str, *, mode: int = PRIVATE) -> bool:
    """Replace `path` by `text` in one step; return whether that changed anything."""
    if path.exists() and path.read_text() == text:
        path.chmod(mode)
        return False
    scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    scratch.rename(path)
    return True
