"""Files sealed with age (https://age-encryption.org), so that any age program opens them with the secret key."""

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import pyrage
from pyrage import x25519

from crm.errors import OperatorError

_LAST_LINES = 5


class Seal:
    """A pair of keys, by its secret half."""

    def __init__(self, identity: str) -> None:
        try:
            self._identity = x25519.Identity.from_str(identity.strip())
        except pyrage.IdentityError:
            raise OperatorError("this is no secret key of age; it begins with AGE-SECRET-KEY-1") from None

    def pack(self, command: Sequence[str], environment: Mapping[str, str], path: Path) -> tuple[int, str]:
        """Write what a command prints to `path`, sealed; answer the file's size and SHA-256.

        Nothing of it is on the disk in the clear. Raises OperatorError when the command fails.
        """
        recipients = [self._identity.to_public()]
        with subprocess.Popen(
            command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            said, reader = _read_aside(process.stderr)
            with path.open("wb") as file:
                os.fchmod(file.fileno(), 0o600)
                pyrage.encrypt_io(process.stdout, file, recipients)
                file.flush()
                os.fsync(file.fileno())
            reader.join()
        if process.returncode != 0:
            raise _failure(command, said)
        return path.stat().st_size, digest(path)

    def seal_bytes(self, content: bytes, path: Path) -> tuple[int, str]:
        """Write `content` to `path`, sealed; answer the file's size and SHA-256."""
        path.touch(mode=0o600)
        path.write_bytes(pyrage.encrypt(content, [self._identity.to_public()]))
        return path.stat().st_size, digest(path)

    def unpack(self, path: Path, command: Sequence[str], environment: Mapping[str, str]) -> bytes:
        """Feed a command with what is sealed in `path`; answer what it prints. Raises OperatorError when it fails."""
        with subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            said, reader = _read_aside(process.stderr)
            printed, other = _read_aside(process.stdout)
            failed = self._feed(path, process.stdin)
            reader.join()
            other.join()
        if process.returncode != 0:
            raise _failure(command, said)
        if failed is not None:
            raise failed
        return b"".join(printed)

    def _feed(self, path: Path, target: IO[bytes]) -> OperatorError | None:
        failure: OperatorError | None = None
        try:
            with path.open("rb") as file:
                pyrage.decrypt_io(file, target, [self._identity])
        except pyrage.DecryptError as error:
            failure = OperatorError(f"{path} cannot be opened: it is damaged, or sealed for another key ({error})")
        except OSError:
            pass  # The command ended before it had read everything, and says why or had enough.
        _quietly(target.close)
        return failure


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_aside(stream: IO[bytes]) -> tuple[list[bytes], threading.Thread]:
    """Read a stream to its end while something else is done."""
    parts: list[bytes] = []
    reader = threading.Thread(target=lambda: parts.append(stream.read()), daemon=True)
    reader.start()
    return parts, reader


def _quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except BrokenPipeError:
        return


def _failure(command: Sequence[str], said: Sequence[bytes]) -> OperatorError:
    lines = b"".join(said).decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
    return OperatorError(f"{Path(command[0]).name} failed:\n" + "\n".join(f"    {line}" for line in lines))
