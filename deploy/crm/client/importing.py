"""An import as a client of the API does it: the file in parts, its columns, validation, the run, the way back."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from crm.client.api import Api, RefusedError
from crm.errors import OperatorError

PART = 1024 * 1024
MOST_PARTS = 512
# Where files of each kind of record go.
PATHS = {
    "customer": "/customers/imports",
    "contact": "/customers/imports",
    "customer_and_contact": "/customers/imports",
    "lead": "/leads/imports",
    "deal": "/deals/imports",
}
_PAUSES = (0.05, 1.0)

Import = dict[str, Any]
Seen = Callable[[Import], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a file is to be read and what is to be done with its rows; None leaves it to the service."""

    record_type: str | None = None
    mode: str = "create"
    match_by: str | None = None
    all_or_nothing: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    on_unknown: str | None = None
    date_format: str | None = None
    decimal_mark: str | None = None


class Imports:
    """The imports of the company that `api` is signed in to, of one kind of record; every call raises OperatorError."""

    def __init__(self, api: Api, record_type: str | None = None) -> None:
        self._api = api
        self.path = PATHS[record_type or "customer"]
        # What `crm import` has to be told to find them again.
        self.option = "" if self.path == PATHS["customer"] else f" --record-type {record_type}"

    def begin(self, filename: str, options: Options) -> Import:
        values = {name: value for name, value in asdict(options).items() if value is not None}
        # A name is bytes on some systems, and what is no character of any is none in JSON.
        name = filename.encode("utf-8", "replace").decode()
        # The key finds an import again that was begun although nobody has read the answer.
        ask = partial(self._known, "POST", "", {"filename": name, **values}, {"Idempotency-Key": str(uuid4())})
        try:
            return ask()
        except KeyboardInterrupt:
            self.cancel(ask()["id"])
            raise

    def upload(self, import_id: int, source: IO[bytes], sent: Callable[[int], None] = lambda _: None) -> Import:
        """Send a file, a part at a time, and say that this was all; `sent` is told how many bytes have gone."""
        number = done = 0
        while part := source.read(PART):
            number += 1
            self._api.ask("PUT", f"{self.path}/{import_id}/parts/{number}", content=part)
            done += len(part)
            sent(done)
        return self._known("POST", f"/{import_id}/uploaded", {"parts": number})

    def change_mapping(self, known: Import, changes: Sequence[tuple[str, str]]) -> Import:
        """Say where columns go; an empty field leaves a column out, and all others go on where they went."""
        columns = [column["name"] for column in known["columns"]]
        mapping = dict(known["mapping"])
        for column, field in changes:
            if column not in columns:
                raise OperatorError(f"the file has no column '{column}'; it has: {', '.join(columns)}")
            mapping.pop(column, None)
            if field:
                mapping[column] = field
        headers = {"If-Match": f'"{known["version"]}"'}
        return self._known("PATCH", f"/{known['id']}", {"mapping": mapping}, headers)

    def change_records(self, known: Import, record_type: str) -> Import:
        """Say that the rows are of another kind; the columns are proposed anew."""
        headers = {"If-Match": f'"{known["version"]}"'}
        return self._known("PATCH", f"/{known['id']}", {"record_type": record_type}, headers)

    def validate(self, import_id: int) -> Import:
        return self._known("POST", f"/{import_id}/validate")

    def start(self, import_id: int) -> Import:
        return self._known("POST", f"/{import_id}/start")

    def cancel(self, import_id: int) -> Import:
        """Stop it; where it is over by now, answers how it has ended."""
        try:
            return self._known("POST", f"/{import_id}/cancel")
        except RefusedError as refusal:
            if refusal.code != "import_state":
                raise
            return self.get(import_id)

    def revert(self, import_id: int) -> Import:
        return self._known("POST", f"/{import_id}/revert")

    def get(self, import_id: int) -> Import:
        return self._known("GET", f"/{import_id}")

    def follow(self, known: Import, seen: Seen = lambda _: None) -> Import:
        """Wait until the import is in another state than `known` says; `seen` gets every look at it."""
        state = known["state"]
        pause, longest = _PAUSES
        while known["state"] == state:
            time.sleep(pause)
            pause = min(pause * 1.3, longest)
            known = self.get(known["id"])
            seen(known)
        return known

    def errors(self, import_id: int, most: int, severity: str = "error") -> list[dict[str, Any]]:
        """What is wrong with the first rows that are refused, or what is said of others."""
        path = f"{self.path}/{import_id}/errors?severity={severity}&limit={most}"
        found: list[dict[str, Any]] = self._api.get(path).body["data"]
        return found

    def save_errors(self, import_id: int, path: Path) -> None:
        """Write the rows that were refused, each with the reason, to `path`, in one step."""
        # Of this import alone: another one of the same file may be at it as well.
        scratch = path.with_name(f"{path.name}.{import_id}.part")
        try:
            with scratch.open("wb") as file:
                self._api.save(f"{self.path}/{import_id}/errors.csv", file)
            scratch.replace(path)
        except OSError as error:
            raise OperatorError(f"{path} cannot be written: {error.strerror or error}") from None
        finally:
            scratch.unlink(missing_ok=True)

    def _known(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        known: dict[str, Any] = self._api.ask(method, self.path + path, body, headers=headers).body
        return known
