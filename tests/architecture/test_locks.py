"""Lock files: every package is pinned by its hash, and none says where it was downloaded from."""

import re
from pathlib import Path

import pytest

PINNED = re.compile(r"([a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==[^\s\\]+( ; [^\\]+)?$", re.IGNORECASE)


@pytest.fixture
def locks(root: Path) -> dict[str, str]:
    found = {path.name: path.read_text() for path in (root / "requirements").glob("*.txt")}
    assert found.keys() >= {"runtime.txt", "dev.txt"}
    return found


def requirements(lock: str) -> list[str]:
    """The requirements of a lock, each as one line without comments."""
    kept = "\n".join(line for line in lock.splitlines() if not line.lstrip().startswith("#"))
    return [line.strip() for line in kept.replace("\\\n", " ").splitlines() if line.strip()]


def test_no_lock_contains_a_url(root: Path, files: list[Path], locks: dict[str, str]) -> None:
    lock_files = [
        path for path in files if path.name.endswith((".lock", "-lock.json")) or path.parent.name == "requirements"
    ]
    assert len(lock_files) >= len(locks)
    assert [path for path in lock_files if "://" in (root / path).read_text()] == []


def test_every_requirement_is_pinned_and_hashed(locks: dict[str, str]) -> None:
    for name, lock in locks.items():
        assert requirements(lock)
        for requirement in requirements(lock):
            pinned, *hashes = re.split(r"\s+--hash=", requirement)
            assert PINNED.match(pinned), f"{name}: {requirement[:80]}"
            assert hashes, f"{name}: {pinned} has no hash"
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()) for value in hashes)


def test_every_wish_is_locked(root: Path, locks: dict[str, str]) -> None:
    for name, lock in locks.items():
        wishes = (root / "requirements" / name).with_suffix(".in").read_text()
        wanted = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)", wishes, re.MULTILINE))
        locked = {re.split(r"[\[=]", requirement)[0] for requirement in requirements(lock)}
        assert wanted - locked == set()
