"""The HTTP routes of the pipeline service, by noun."""

from pipeline.routes import boards, conversions, deals, internal, leads, many_deals, many_leads, pipelines, stages

BLUEPRINTS = (
    boards.blueprint,
    leads.blueprint,
    many_leads.blueprint,
    deals.blueprint,
    many_deals.blueprint,
    conversions.blueprint,
    stages.blueprint,
    pipelines.blueprint,
    internal.blueprint,
)
