"""How far a purge is: what each service says that holds what is to go."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response

from chassis.web.answers import answer
from identity.schemas.purges import UNREACHABLE

# What services are asked for.
MEMBERS = ("state", "changed", "finished_at")


def answer_purge(purge: Mapping[str, Any], told: Mapping[str, Mapping[str, Any] | None]) -> Response:
    """Answer a purge with what the services have told, None of one that does not answer: done when all of them are."""
    services = [{"service": name, **(said or UNREACHABLE)} for name, said in told.items()]
    state = "done" if all(each["state"] == "done" for each in services) else "working"
    return answer(orjson.dumps({**purge, "state": state, "services": services}))
