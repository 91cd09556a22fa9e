"""A client of a service's imports that begins, validates and runs them, with a worker that works when it is told to."""

import csv
import io
from collections.abc import Callable
from http import HTTPStatus
from threading import Event as Flag
from typing import Any

from chassis.testing.fixtures import Client

_COUNTS = ("created_rows", "updated_rows", "unchanged_rows", "failed_rows")


class RecordImports:
    """The imports of one kind of record, by the noun of its path; `work` takes the turn of a worker."""

    def __init__(self, client: Client, noun: str, work: Callable[[Flag], None]) -> None:
        self.client = client
        self.path = f"/v1/{noun}/imports"
        self.noun = noun
        self.work = work

    def begin(self, content: bytes, **options: Any) -> Any:
        """Send a file; answers what is proposed for it."""
        begun: Any = self.client.post(self.path, json={"filename": f"{self.noun}.csv", **options})
        assert begun.status_code == HTTPStatus.CREATED, begun.text
        path = f"{self.path}/{begun.json['id']}"
        put = self.client.request("PUT", f"{path}/parts/1", data=content, content_type="application/octet-stream")
        assert put.status_code == HTTPStatus.NO_CONTENT, put.text
        return self.client.post(f"{path}/uploaded", json={"parts": 1})

    def step(self, import_id: int, action: str) -> Any:
        """Ask for a step, and let the worker work; answers the import."""
        answer = self.client.post(f"{self.path}/{import_id}/{action}")
        assert answer.status_code in (HTTPStatus.OK, HTTPStatus.ACCEPTED), answer.text
        self.work(Flag())
        return self.get(import_id)

    def get(self, import_id: int) -> Any:
        found: Any = self.client.get(f"{self.path}/{import_id}").json
        return found

    def run(self, content: bytes, **options: Any) -> Any:
        """Import a file; what validation has counted is what the run does."""
        begun = self.begin(content, **options)
        assert begun.status_code == HTTPStatus.OK, begun.text
        return self.finish(begun.json["id"])

    def finish(self, import_id: int) -> Any:
        """Validate a file and run it."""
        validated = self.step(import_id, "validate")
        assert validated["state"] == "awaiting_confirmation", validated
        done = self.step(import_id, "start")
        for count in _COUNTS:
            assert validated[count] == done[count], count
        return done

    def errors(self, import_id: int, severity: str = "error") -> Any:
        found: Any = self.client.get(f"{self.path}/{import_id}/errors?severity={severity}&limit=100").json
        return found["data"]

    @staticmethod
    def table(*rows: tuple[str, ...]) -> bytes:
        """A CSV file with these rows."""
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()
