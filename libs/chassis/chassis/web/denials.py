"""Denials: that somebody with a valid token was refused reaches the audit log, as an event of its own."""

import re
import time
from collections import OrderedDict
from datetime import UTC, datetime
from threading import Lock

import orjson
import structlog

from chassis.db import outbox
from chassis.db.session import Database
from chassis.errors import Forbidden
from chassis.events import ACCESS_DENIED
from chassis.web.auth import Principal

QUIET_SECONDS = 60.0
MOST_REMEMBERED = 10_000

log = structlog.get_logger()


class Denials:
    """Records refusals in the outbox, one per caller, route and reason in a minute and process.

    A client that hammers a closed door writes one row a minute and not one a request. The request's own transaction is
    rolled back by then, so the event gets one of its own; if that fails, the refusal is in the log and the answer stays
    what it was.
    """

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source
        self._noted: OrderedDict[tuple[int, int, str, str], float] = OrderedDict()
        self._lock = Lock()

    def record(self, principal: Principal, method: str, rule: str, refusal: Forbidden) -> None:
        """Record that `principal` was refused on the route `rule`; does nothing where that was recorded of late.

        To be called in the context of the request.
        """
        route = f"{method} {documented(rule)}"
        if not self._due((principal.company_id, principal.user_id, route, refusal.code)):
            return
        try:
            with self._database.transaction() as session:
                now = datetime.now(UTC)
                # No table numbers these records: the microsecond does, which stays exact in every reader's numbers.
                record_id = int(now.timestamp() * 1_000_000)
                after = {
                    "id": record_id,
                    "company_id": principal.company_id,
                    "version": 1,
                    "user_id": principal.user_id,
                    "role": principal.role,
                    "session_id": principal.session_id,
                    "route": route,
                    "code": refusal.code,
                    "detail": refusal.detail,
                    "created_at": now.isoformat(),
                }
                outbox.record(
                    session,
                    ACCESS_DENIED,
                    source=self._source,
                    record_id=record_id,
                    version=1,
                    before=None,
                    after=orjson.dumps(after),
                )
        except Exception as error:  # noqa: BLE001  # Whatever it is, a refusal stays one.
            log.warning("denial_not_recorded", route=route, code=refusal.code, error=type(error).__name__)

    def _due(self, key: tuple[int, int, str, str]) -> bool:
        """Whether a refusal is to be recorded; from then on it counts as recorded, even if that should fail."""
        now = time.monotonic()
        with self._lock:
            noted = self._noted.get(key)
            if noted is not None and now - noted < QUIET_SECONDS:
                return False
            self._noted[key] = now
            self._noted.move_to_end(key)
            if len(self._noted) > MOST_REMEMBERED:
                self._noted.popitem(last=False)
            return True


def documented(rule: str) -> str:
    """A rule of werkzeug's as OpenAPI writes it: `/v1/customers/{customer_id}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)
