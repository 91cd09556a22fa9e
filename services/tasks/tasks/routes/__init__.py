"""The HTTP routes of the tasks service, by noun."""

from tasks.routes import activities, bulk, calendar, internal, notices, series, tasks, timeline

BLUEPRINTS = (
    tasks.blueprint,
    bulk.blueprint,
    series.blueprint,
    activities.blueprint,
    timeline.blueprint,
    notices.blueprint,
    calendar.blueprint,
    internal.blueprint,
)
