"""The HTTP routes of the tasks service, by noun."""

from tasks.routes import bulk, series, tasks

BLUEPRINTS = (tasks.blueprint, bulk.blueprint, series.blueprint)
