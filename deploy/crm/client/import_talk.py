"""What `crm import` shows and asks while an import goes its way."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from crm import screen
from crm.client.importing import MOST_PARTS, PART, Import, Imports, Options
from crm.client.progress import MEGABYTES, Progress
from crm.errors import OperatorError

_ERRORS_SHOWN = 5
_LONGEST_SAMPLE = 40
# By the record type that the service proposes what the rows hold, and what becomes of them.
_PROPOSED = {
    "customer_and_contact": (
        "people and where they work",
        "a company becomes a customer, people its contacts",
    ),
    "contact": ("people at customers that are there", "each becomes a contact of theirs"),
}


class Talk:
    """The conversation about one import; `run` and `revert` answer whether all went well."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    def run(
        self, path: Path, options: Options, changes: Sequence[tuple[str, str]], *, dry_run: bool, ask: bool
    ) -> bool:
        """Bring a file, show what it means, validate it, ask, run it. Raises OperatorError."""
        size = path.stat().st_size
        if not 0 < size <= MOST_PARTS * PART:
            raise OperatorError(
                f"{path} has {_amount(size)}; files of 1 byte to {_amount(MOST_PARTS * PART)} are taken"
            )
        import_id = self._imports.begin(path.name, options)["id"]
        try:
            known = self._validated(import_id, path, size, options, changes)
            if not self._goes_on(known, path, options, dry_run=dry_run, ask=ask):
                self._imports.cancel(import_id)
                whole = not known["failed_rows"] and known["state"] == "awaiting_confirmation"
                return whole and (dry_run or not _changing(known))
        except (KeyboardInterrupt, click.Abort):
            self._imports.cancel(import_id)
            screen.warn("cancelled", f"import {import_id}; nothing was imported")
            return False
        except BaseException:  # Whatever it is: an import that nobody goes on with keeps others from being begun.
            self._let_go(import_id)
            raise
        return self._ran(import_id, path)

    def revert(self, import_id: int) -> bool:
        """Undo an import. Raises OperatorError."""
        known = self._imports.revert(import_id)
        total = known["created_rows"] + known["updated_rows"]
        with Progress("reverting") as progress:
            known = self._imports.follow(
                known, lambda now: progress.show(now["reverted_rows"] + now["kept_rows"], total)
            )
            seconds = progress.seconds
        if known["state"] != "reverted":
            screen.warn("not reverted", f"import {import_id} is {known['state']}{_reason(known)}")
            return False
        screen.step("reverted", f"import {import_id}: {known['reverted_rows']:,} rows undone", seconds)
        if known["kept_rows"]:
            screen.warn("kept", f"{known['kept_rows']:,} rows that somebody has changed since")
        return not known["kept_rows"]

    def _validated(
        self, import_id: int, path: Path, size: int, options: Options, changes: Sequence[tuple[str, str]]
    ) -> Import:
        with path.open("rb") as source, Progress("uploading", MEGABYTES) as progress:
            known = self._imports.upload(import_id, source, lambda sent: progress.show(sent, size))
            seconds = progress.seconds
        screen.step("uploaded", f"import {import_id}: {path.name}, {_amount(size)}", seconds)
        if options.record_type is None and known.get("proposed_record_type") in _PROPOSED:
            known = self._as_proposed(known, options, changes)
        if changes:
            known = self._imports.change_mapping(known, changes)
        _show_columns(known)
        known = self._imports.validate(import_id)
        with Progress("validating") as progress:
            known = self._imports.follow(known, partial(_show_rows, progress))
            seconds = progress.seconds
        if known["state"] == "awaiting_confirmation":
            screen.step("validated", f"{known['total_rows']:,} rows", seconds)
            counts = [("create", "created_rows"), ("update", "updated_rows"), ("leave unchanged", "unchanged_rows")]
            would = " · ".join(f"would {word}: {known[name]:,}" for word, name in counts)
            print(f"   {would} · would refuse: {known['failed_rows']:,}")
            if known["duplicate_rows"]:
                print(f"   probably there already: {known['duplicate_rows']:,}, created all the same")
        return known

    def _as_proposed(self, known: Import, options: Options, changes: Sequence[tuple[str, str]]) -> Import:
        """Take rows for what the service proposes, unless something was said that may mean another record type."""
        proposed = known["proposed_record_type"]
        hold, become = _PROPOSED[proposed]
        if changes or options.match_by not in (None, "email"):
            screen.step("rows", f"hold {hold}; with --record-type {proposed} {become}")
            return known
        known = self._imports.change_records(known, proposed)
        screen.step("rows", f"hold {hold}: {become}")
        print("   with --record-type customer each row becomes a customer")
        return known

    def _goes_on(self, known: Import, path: Path, options: Options, *, dry_run: bool, ask: bool) -> bool:
        if known["state"] != "awaiting_confirmation":
            screen.warn("failed", f"import {known['id']} is {known['state']}{_reason(known)}")
            return False
        if known["failed_rows"]:
            self._show_errors(known, "error", "WHAT IS WRONG")
        self._show_errors(known, "warning", "WHAT IS LEFT OUT OR LIKELY")
        refused_all = options.all_or_nothing and known["failed_rows"] > 0
        if not dry_run and _changing(known) and not refused_all:
            if not ask or click.confirm(f"Import {_changing(known):,} rows?", default=False):
                return True
            reason = "as you wish"
        else:
            reason = "this was the validation alone" if dry_run else "there is nothing to import"
            if known["failed_rows"]:
                self._save_errors(known, path)
        screen.step("nothing done", "all or nothing, and rows would be refused" if refused_all else reason)
        return False

    def _ran(self, import_id: int, path: Path) -> bool:
        stopped = False
        try:
            known = self._imports.start(import_id)
            with Progress("importing") as progress:
                known = self._imports.follow(known, partial(_show_rows, progress))
                seconds: float | None = progress.seconds
        except KeyboardInterrupt:
            stopped = True
            seconds = None
            known = self._imports.cancel(import_id)
        except OperatorError as error:
            hint = f"import {import_id} may be going on by itself: GET /v1{self._imports.path}/{import_id}"
            raise OperatorError(f"{error}; {hint}") from None
        self._show_result(known, path, seconds)
        return known["state"] == "completed" and not stopped

    def _show_result(self, known: Import, path: Path, seconds: float | None) -> None:
        counts = " · ".join(
            f"{known[f'{name}_rows']:,} {word}"
            for name, word in (("created", "created"), ("updated", "updated"), ("unchanged", "unchanged"))
        )
        text = f"import {known['id']}: {counts} · {known['failed_rows']:,} refused"
        if known["state"].startswith("completed"):
            screen.step("imported", text, seconds)
        else:
            screen.warn(known["state"], f"{text}{_reason(known)}")
        if known["failed_rows"] or known["error_code"] == "rows_refused":
            self._save_errors(known, path)
        if _changing(known):
            arguments = f"--revert {known['id']}{self._imports.option}"
            made = f', or make import ARGS="{arguments}"' if "MAKELEVEL" in os.environ else ""
            print(f"   undo it with: crm import {arguments}{made}")

    def _show_errors(self, known: Import, severity: str, title: str) -> None:
        errors = self._imports.errors(known["id"], _ERRORS_SHOWN, severity)
        rows = [
            (
                str(error["line"]),
                error["column_name"] or "-",
                _short(error["message"], 90),
                _short(error["value"] or "", _LONGEST_SAMPLE),
            )
            for error in errors
        ]
        if rows:
            screen.table([("LINE", "COLUMN", title, "IN THE FILE"), *rows])

    def _save_errors(self, known: Import, path: Path) -> None:
        target = path.with_suffix(".errors.csv")
        self._imports.save_errors(known["id"], target)
        print(f"   the rows that were refused, with the reasons: {target}")

    def _let_go(self, import_id: int) -> None:
        """Make room for other imports; what went wrong is told, and not that this did as well."""
        try:
            self._imports.cancel(import_id)
        except OperatorError:
            return


def _show_rows(progress: Progress, known: Import) -> None:
    progress.show(known["processed_rows"], known["total_rows"], known["waiting_for"])


def _amount(size: int) -> str:
    return f"{size:,} bytes" if size < 100_000 else f"{MEGABYTES.write(size)} MB"  # noqa: PLR2004  # 0.1 MB is the least that shows.


def _changing(known: Import) -> int:
    changing: int = known["created_rows"] + known["updated_rows"]
    return changing


def _reason(known: Import) -> str:
    return f": {known['error_detail']}" if known["error_detail"] else ""


def _show_columns(known: Import) -> None:
    delimiter = {"\t": "tab"}.get(known["delimiter"], known["delimiter"])
    screen.step("read", f"{known['encoding']}, columns divided by {delimiter}{_origin(known)}")
    rows = [
        (column["name"], _goes_to(column, known["mapping"]), _sample(column["samples"])) for column in known["columns"]
    ]
    screen.table([("COLUMN", "GOES TO", "FOR EXAMPLE"), *rows])


def _origin(known: Import) -> str:
    """Whose export it is, and how its cells are read."""
    parts = (
        [f"an export of {'this CRM' if known['profile'] == 'own' else known['profile']}"] if known["profile"] else []
    )
    if known["on_unknown"] == "empty":
        parts.append("unknown words left empty")
    if known["date_format"]:
        parts.append(f"dates with the {known['date_format'].partition('_')[0]} first")
    if known["decimal_mark"]:
        parts.append(f"cents after {known['decimal_mark']!r}")
    return "".join(f", {part}" for part in parts)


def _goes_to(column: dict[str, Any], mapping: dict[str, str]) -> str:
    if column["name"] in mapping:
        return mapping[column["name"]]
    return f"(left out: {column['proposed_field']}?)" if column["proposed_field"] else "(left out)"


def _sample(samples: Sequence[str]) -> str:
    return _short(next((sample for sample in samples if sample), ""), _LONGEST_SAMPLE)


def _short(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
