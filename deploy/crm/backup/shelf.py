"""Where backups lie: a folder of folders, one for each backup, complete or not there."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crm.errors import OperatorError
from crm.files import write_private

MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished"
_STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Part:
    """One sealed file of a backup. `taken_at` is the instant that it shows, `revision` that of the migrations."""

    file: str
    size: int
    sha256: str
    taken_at: str
    revision: str = ""


@dataclass(frozen=True)
class Backup:
    """A complete backup: its parts by service, and the stack's secrets."""

    name: str
    folder: Path
    began_at: str
    ended_at: str
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts.values())

    @property
    def size_text(self) -> str:
        """Its size as people say it."""
        return f"{self.size / 1_000_000:.1f} MB"

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.began_at)

    def path(self, part: str) -> Path:
        """The file of a part. Raises OperatorError where the backup has none of that name."""
        if part not in self.parts:
            raise OperatorError(f"the backup {self.name} has no {part}; it has: {', '.join(sorted(self.parts))}")
        return self.folder / self.parts[part].file


class Shelf:
    """The backups in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, now: datetime) -> Path:
        """An empty folder for a new backup, which is none before `finish`."""
        folder = self.folder / (now.astimezone(UTC).strftime(_STAMP) + _UNFINISHED)
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def finish(self, unfinished: Path, began: datetime, parts: dict[str, Part]) -> Backup:
        """Make a backup of what was written."""
        folder = unfinished.with_name(unfinished.name.removesuffix(_UNFINISHED))
        ended = datetime.now(UTC)
        backup = Backup(folder.name, folder, began.isoformat(), ended.isoformat(), parts)
        values = asdict(backup)
        del values["folder"]
        write_private(unfinished / MANIFEST, json.dumps(values, indent=1) + "\n")
        unfinished.rename(folder)
        return backup

    def all(self) -> list[Backup]:
        """Every complete backup, the oldest first."""
        found = sorted(self.folder.glob(f"*/{MANIFEST}")) if self.folder.exists() else []
        return [_read(path) for path in found if not path.parent.name.endswith(_UNFINISHED)]

    def get(self, name: str | None) -> Backup:
        """The backup of that name, or the newest one. Raises OperatorError."""
        backups = self.all()
        chosen = [each for each in backups if name in (None, each.name)]
        if not chosen:
            known = ", ".join(each.name for each in backups) or "none"
            raise OperatorError(f"there is no backup {name or ''} in {self.folder}; there are: {known}")
        return chosen[-1]

    def prune(self, keep: timedelta, now: datetime) -> list[str]:
        """Delete the backups that are older than `keep`, and what was never finished; never the newest backup."""
        older = [each for each in self.all()[:-1] if now - each.began > keep]
        for backup in older:
            # Without its manifest it is none, however far the deletion comes.
            (backup.folder / MANIFEST).unlink()
            shutil.rmtree(backup.folder)
        for folder in self.folder.glob("*"):
            stale = now - datetime.fromtimestamp(folder.stat().st_mtime, UTC) > timedelta(days=1)
            if folder.is_dir() and stale and (folder.name.endswith(_UNFINISHED) or not (folder / MANIFEST).exists()):
                shutil.rmtree(folder)
        return [backup.name for backup in older]


def _read(path: Path) -> Backup:
    try:
        values = json.loads(path.read_text())
        parts = {name: Part(**part) for name, part in values.pop("parts").items()}
        return Backup(folder=path.parent, parts=parts, **values)
    except (ValueError, KeyError, TypeError) as error:
        raise OperatorError(f"{path} is damaged: {error}") from None
