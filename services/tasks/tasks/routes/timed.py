"""Lists that go by the time of day: the request's question, at this moment and in the zone that it names."""

from datetime import UTC, datetime

from chassis.db.listing import ListQuery
from chassis.web.request import session
from tasks.queries.buckets import asks_for_bounds, with_bounds
from tasks.queries.people import asked_zone
from tasks.rules.due import bounds_at


def timed(query: ListQuery) -> ListQuery:
    """The query with the bounds of its buckets, if it goes by these."""
    if not asks_for_bounds(query):
        return query
    return with_bounds(query, bounds_at(datetime.now(UTC), asked_zone(session(), dict(query.options).get("time_zone"))))
