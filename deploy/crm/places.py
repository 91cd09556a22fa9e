"""Folders that an unprivileged server can reach, whatever the modes of the folders above the stack's home."""

import hashlib
import os
import pwd
import shutil
from pathlib import Path

from crm.errors import OperatorError

ELSEWHERE = Path("/var/tmp")  # noqa: S108  # The folder made below is checked for its owner before it is used.
# sockaddr_un holds 107 bytes, and supervisor binds a temporary name that is a few bytes longer first.
_LONGEST_SOCKET_FOLDER = 70


def substitute(home: Path) -> Path:
    """The folder outside `home` that stands in for what cannot live inside it; one per user and home."""
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    return ELSEWHERE / f"crm-{os.geteuid()}-{digest}"


def account(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise OperatorError(
            f"PostgreSQL refuses to run as root and there is no user {name!r}; run as an ordinary user instead."
        ) from None


def can_reach(folder: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` may enter every folder from the root down to `folder` (its primary group counted only)."""
    for step in (folder, *folder.parents):
        status = step.stat()
        if status.st_uid == user.pw_uid:
            bit = 0o100
        elif status.st_gid == user.pw_gid:
            bit = 0o010
        else:
            bit = 0o001
        if not status.st_mode & bit:
            return False
    return True


def folder_for(home: Path, name: str, user: pwd.struct_passwd | None) -> Path:
    """Make `home/name` for `user` and return its real path.

    Where `user` cannot enter `home`, the folder is made under /var/tmp and `home/name` is a link to it.
    """
    wanted = home / name
    if wanted.exists():
        return wanted.resolve()
    if user is not None and not can_reach(home, user):
        return _linked(home, name, user)
    wanted.mkdir(mode=0o700)
    if user is not None:
        os.chown(wanted, user.pw_uid, user.pw_gid)
    return wanted.resolve()


def socket_folder(home: Path) -> Path:
    """A folder for Unix sockets: inside `home` where the path is short enough, else under /var/tmp with a link."""
    wanted = home / "run"
    if wanted.exists():
        return wanted.resolve()
    if len(bytes(wanted.resolve())) > _LONGEST_SOCKET_FOLDER:
        return _linked(home, "run", None)
    wanted.mkdir(mode=0o700)
    return wanted.resolve()


def remove(home: Path) -> None:
    """Delete `home` and whatever its links stand for under /var/tmp."""
    if not home.exists():
        return
    bases = {substitute(home)}
    bases |= {entry.resolve().parent for entry in home.iterdir() if entry.is_symlink()}
    for base in bases:
        if base.parent == ELSEWHERE and base.name.startswith("crm-") and base.is_dir() and not base.is_symlink():
            shutil.rmtree(base)
    shutil.rmtree(home)


def _linked(home: Path, name: str, user: pwd.struct_passwd | None) -> Path:
    base = substitute(home)
    base.mkdir(mode=0o711, exist_ok=True)
    status = base.lstat()
    if base.is_symlink() or status.st_uid != os.geteuid():
        # Everybody may create names in /var/tmp; somebody else's folder must not get our data.
        raise OperatorError(f"{base} belongs to somebody else; remove it and try again.")
    real = base / name
    real.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(real, user.pw_uid, user.pw_gid)
    link = home / name
    if link.is_symlink():
        link.unlink()
    link.symlink_to(real)
    return real
