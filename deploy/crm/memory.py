"""What memory processes take: their own, and their part of what they share (PSS, proc_pid_smaps_rollup(5))."""

from collections import defaultdict
from pathlib import Path

_KIB = 1024


def proportional_sets(pids: list[int]) -> dict[int, int]:
    """Bytes of each process with all that descend from it, for those that are there and that we may look at."""
    children = _children()
    sizes: dict[int, int] = {}
    for pid in pids:
        family, size = [pid], 0
        while family:
            member = family.pop()
            family += children[member]
            size += _proportional_set(member)
        if size:
            sizes[pid] = size
    return sizes


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name in parentheses may itself hold blanks and parentheses: fields count from the last one.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children[int(fields[1])].append(int(folder.name))
    return children


def _proportional_set(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return sum(int(line.split()[1]) * _KIB for line in lines if line.startswith("Pss:"))
