"""The HTTP routes of the pipeline service, by noun."""

from pipeline.routes import (
    boards,
    conversions,
    deals,
    exchange_rates,
    imports,
    internal,
    leads,
    many_deals,
    many_leads,
    pipelines,
    reports,
    stages,
)

BLUEPRINTS = (
    boards.blueprint,
    leads.blueprint,
    many_leads.blueprint,
    imports.of_leads,
    imports.of_deals,
    deals.blueprint,
    many_deals.blueprint,
    conversions.blueprint,
    stages.blueprint,
    pipelines.blueprint,
    exchange_rates.blueprint,
    reports.blueprint,
    internal.blueprint,
)
