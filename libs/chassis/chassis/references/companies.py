"""What a service knows of the company that it works for."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, MetaData

from chassis.db.session import Session
from chassis.events import Event
from chassis.references.reference import Guard
from chassis.references.saving import SEEN, repair_statement, save_statement
from chassis.references.tables import company_table


class CompanyReference:
    """The tenant itself, in `company_refs`; `columns` are kept as the company's document has them.

    It is asked for by nobody's id: whoever works here has a token of it. One that is purged goes like all its rows, by
    `chassis.db.company_purges`.
    """

    kind = "company"
    entity = "company"
    owner = "identity"
    path = "/internal/companies"
    document_id = "id"
    actions = ("created", "updated", "suspended", "activated")
    removed = None

    def __init__(self, metadata: MetaData, *columns: Column[Any]) -> None:
        self.table = company_table(metadata, columns)
        self._mirrored = [column.name for column in columns]
        parts = (self.table, "company_id", ("version",), self._mirrored)
        self._save = save_statement(*parts, kind=self.kind, tombstones=None)
        self._repair = repair_statement(*parts, kind=self.kind, tombstones=None)

    def save_event(self, session: Session, event: Event) -> None:
        """Keep what an event tells of the company; an older one never overwrites a newer state."""
        session.run_later(self._save, **self._new(event.data["after"], event.aggregate_version))

    def repair(self, session: Session, company: Mapping[str, Any], seen: Guard | None) -> bool:
        """Make what is kept of the company what identity answered; see `Reference.repair`."""
        (version,) = seen or (-1,)
        new = self._new(company, company["version"])
        return session.run(self._repair, **new, **{f"{SEEN}version": version}) > 0

    def _new(self, company: Mapping[str, Any], version: int) -> dict[str, Any]:
        return {"new_version": version} | {f"new_{name}": company.get(name) for name in self._mirrored}
