"""The page docs/errors.md: every code that an answer can have, what it means, and which operations give it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway import problems, render
from web.document import operations_of

MOST_OPERATIONS = 5
MOST_SENTENCES = 3
_GIVEN = re.compile(r'document\((\d{3}), "(\w+)", "([^"]+)"\)')
INTRODUCTION = """\
# Errors

Every failure is a problem document (RFC 9457) with the content type `application/problem+json`. Its `code` is for
programs and never changes; its `detail` is a sentence for people and may. `request_id` finds the request in the logs.
Where fields are at fault, `errors` has a JSON Pointer, a code and a sentence for each.

A code may be given on several occasions; the sentences below are those that stand in the code, with … where a value
goes. Clients decide by `code`, fall back on the status, and retry only 429 and 503, after `Retry-After`, and 502 and
504 where the request may be repeated (with an `Idempotency-Key`, for instance).

Made by `make contracts` from the services and the gateway.

| Code | Status | What it says | Where |
|---|---|---|---|
"""


def errors_page(document: Mapping[str, Any]) -> str:
    """The page as Markdown, from the merged document and the gateway's own answers."""
    statuses: dict[str, set[int]] = {}
    sentences: dict[str, list[str]] = {}
    for code, status, detail in sorted({*_of_services(document), *_of_gateway()}):
        statuses.setdefault(code, set()).add(status)
        if detail.strip("… "):
            sentences.setdefault(code, []).append(detail)
    where = _where(document)
    rows = []
    for code in sorted(statuses):
        known = dict.fromkeys(sentences.get(code, ["…"]))
        said = " ".join(list(known)[:MOST_SENTENCES]).replace("|", "\\|")
        numbers = ", ".join(str(each) for each in sorted(statuses[code]))
        rows.append(f"| `{code}` | {numbers} | {said} | {where.get(code, 'the gateway')} |\n")
    return INTRODUCTION + "".join(rows)


def _of_services(document: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    return [(each["code"], each["status"], each["detail"]) for each in document["x-problems"]]


def _of_gateway() -> list[tuple[str, int, str]]:
    """What HAProxy answers by itself: what a status usually means, and what its template says in places."""
    usual = [(each.code, status, each.detail) for status, each in problems.PROBLEMS.items()]
    template = (Path(render.__file__).parent / "haproxy.cfg.j2").read_text()
    return usual + [(code, int(status), detail) for status, code, detail in _GIVEN.findall(template)]


def _where(document: Mapping[str, Any]) -> dict[str, str]:
    """Which operations can give each code: their names, or how many where they are many."""
    found: dict[str, list[str]] = {}
    count = 0
    for path, method, operation in operations_of(document):
        count += 1
        for code in {code for answer in operation["responses"].values() for code in answer.get("x-codes", ())}:
            found.setdefault(code, []).append(f"`{method.upper()} {path}`")
    return {
        code: "everywhere"
        if len(places) == count
        else f"{len(places)} operations"
        if len(places) > MOST_OPERATIONS
        else "<br>".join(places)
        for code, places in found.items()
    }
