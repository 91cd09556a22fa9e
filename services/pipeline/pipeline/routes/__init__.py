"""The HTTP routes of the pipeline service, by noun."""

from pipeline.routes import deals, internal, leads, many_deals, many_leads, pipelines, stages

BLUEPRINTS = (
    leads.blueprint,
    many_leads.blueprint,
    deals.blueprint,
    many_deals.blueprint,
    stages.blueprint,
    pipelines.blueprint,
    internal.blueprint,
)
