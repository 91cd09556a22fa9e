"""Records of other services that no event has told of yet: asked of their owner and kept as if the event had come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog

from chassis.config import Settings
from chassis.context import tenant
from chassis.db.session import Database
from chassis.errors import Unavailable
from chassis.references.listening import AnyReference
from chassis.references.reference import Reference
from chassis.service_client import ANSWER_SECONDS, ServiceClient

# So that a query with ids of any length stays within what a server takes for a line.
MOST_IDS = 100

log = structlog.get_logger()


class References:
    """A service's references, and whom else it asks, as far as the settings say where these are.

    `seconds` bounds an answer: where nobody waits for it, it may take longer.
    """

    def __init__(
        self,
        references: Sequence[AnyReference],
        settings: Settings,
        database: Database,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._database = database
        self._clients: dict[str, ServiceClient] = {}
        self._kinds: dict[str, Reference] = {}
        if settings.service_key:
            for name, url in settings.services().items():
                self._clients[name] = ServiceClient(name, url, settings.service_key, seconds=seconds)
        for reference in references:
            if isinstance(reference, Reference) and reference.owner in self._clients:
                self._kinds[reference.kind] = reference

    def can_ask(self, kind: str) -> bool:
        """Whether there is anybody to ask for references of this kind."""
        return kind in self._kinds

    def ask(
        self,
        owner: str,
        path: str,
        query: Mapping[str, object],
        members: Collection[str],
        body: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """What a service answers to a question of another kind. No transaction may be open.

        Raises Unavailable, also where the settings do not say where the owner is.
        """
        client = self._clients.get(owner)
        if client is None:
            raise Unavailable("reference_unavailable", f"Nobody has said where {owner} is.")
        return client.ask(path, query, members, body)

    def fetch(self, wanted: Iterable[tuple[str, int]]) -> None:
        """Ask for records of the tenant by kind and id, and keep those that there are, in a transaction of its own.

        No transaction of the caller may be open, so that nobody waits for its locks meanwhile. Raises Unavailable.
        """
        by_kind: dict[str, list[int]] = {}
        for kind, number in sorted(wanted):
            by_kind.setdefault(kind, []).append(number)
        found = []
        for kind, ids in by_kind.items():
            reference = self._kinds[kind]
            client, path = self._clients[reference.owner], reference.path.format(company_id=tenant())
            for start in range(0, len(ids), MOST_IDS):
                asked = ",".join(map(str, ids[start : start + MOST_IDS]))
                found += [(reference, document) for document in client.records(path, {"ids": asked}).data]
        if not found:
            return
        with self._database.transaction() as session:
            for reference, document in found:
                if document.get("company_id") != tenant():
                    log.error("reference_of_another_tenant", service=reference.owner)
                    continue
                reference.save(session, document)
