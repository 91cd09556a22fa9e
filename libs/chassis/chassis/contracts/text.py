"""JSON as people read it: what fits on a line stands on one."""

import json
from typing import Any

WIDTH = 120
_INDENT = 2


def dumps(value: Any, *, dense: bool = False) -> str:
    """The text of a file; `dense` puts as many members of objects on a line as fit, instead of one where not all do."""
    return _text(value, 0, 0, dense) + "\n"


def _text(value: Any, indent: int, taken: int, dense: bool) -> str:
    """The text of a value that stands `indent` deep, on a line of which `taken` characters are taken besides."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or (indent and indent + taken + len(flat) <= WIDTH):
        return flat
    inner = indent + _INDENT
    keys = [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    members = value.values() if isinstance(value, dict) else value
    # A comma follows.
    texts = [key + _text(member, inner, len(key) + 1, dense) for key, member in zip(keys, members, strict=True)]
    names = isinstance(value, list) and not any(isinstance(member, dict | list) for member in value)
    lines: list[str] = []
    for text in texts:
        short = lines and "\n" not in lines[-1] + text and inner + len(lines[-1]) + 2 + len(text) < WIDTH
        if short and (dense or names):
            lines[-1] += f", {text}"
        else:
            lines.append(text)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + ",".join(f"\n{' ' * inner}{line}" for line in lines) + f"\n{' ' * indent}{closing}"
