"""Records of other services that no event has told of yet: asked of their owner and kept as if the event had come."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from chassis.config import Settings
from chassis.context import tenant
from chassis.db.session import Database, Session
from chassis.neighbours import Neighbour

# So that a query with ids of any length stays within what a server takes for a line.
MOST_IDS = 100

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where references of one kind come from.

    GET `path` (`/internal/members/{company_id}`) with `ids=1,2` of the service `owner` answers those of the records
    that the tenant has. `save` keeps one, guarded by its version as an event is: nothing older overwrites it.
    """

    owner: str
    path: str
    save: Callable[[Session, dict[str, Any]], None]


class References:
    """The sources of a service's references, as far as the settings say where their owners are."""

    def __init__(self, sources: Mapping[str, Source], settings: Settings, database: Database) -> None:
        self._database = database
        self._neighbours: dict[str, Neighbour] = {}
        self._sources: dict[str, Source] = {}
        for kind, source in sources.items():
            url = settings.service_url(source.owner)
            if url is not None and settings.service_key:
                self._sources[kind] = source
                if source.owner not in self._neighbours:
                    self._neighbours[source.owner] = Neighbour(source.owner, url, settings.service_key)

    def can_ask(self, kind: str) -> bool:
        """Whether there is anybody to ask for references of this kind."""
        return kind in self._sources

    def fetch(self, wanted: Iterable[tuple[str, int]]) -> None:
        """Ask for records of the tenant by kind and id, and keep those that there are, in a transaction of its own.

        No transaction of the caller may be open, so that nobody waits for its locks meanwhile. Raises Unavailable.
        """
        by_kind: dict[str, list[int]] = {}
        for kind, number in sorted(wanted):
            by_kind.setdefault(kind, []).append(number)
        found = []
        for kind, ids in by_kind.items():
            source = self._sources[kind]
            neighbour, path = self._neighbours[source.owner], source.path.format(company_id=tenant())
            for start in range(0, len(ids), MOST_IDS):
                asked = ",".join(map(str, ids[start : start + MOST_IDS]))
                found += [(source, document) for document in neighbour.records(path, {"ids": asked}).data]
        if not found:
            return
        with self._database.transaction() as session:
            for source, document in found:
                if document.get("company_id") != tenant():
                    log.error("reference_of_another_tenant", service=source.owner)
                    continue
                source.save(session, document)
