"""What every company begins with: its stages, its pipeline and its loss reasons, made when they are first used."""

from chassis.db.bulk import create_many
from chassis.db.locks import lock_name
from chassis.db.session import Session
from pipeline.events import DEAL_STAGE_CREATED, LEAD_STAGE_CREATED, LOSS_REASON_CREATED, PIPELINE_CREATED
from pipeline.queries.pipelines import LOSS_REASONS, PIPELINES, is_set_up
from pipeline.queries.stages import DEAL_STAGES, LEAD_STAGES
from pipeline.rules import stages


def ensure_setup(session: Session) -> None:
    """Make what the company begins with, if it has nothing yet.

    Of two who come at once the second waits here until the first has committed. Look again in either case: somebody may
    have made it since.
    """
    if is_set_up(session):
        return
    lock_name(session, "pipeline:setup")
    if not is_set_up(session):
        create_many(session, LEAD_STAGES, LEAD_STAGE_CREATED, stages.SEEDED_LEAD_STAGES)
        [(pipeline_id, _)] = create_many(session, PIPELINES, PIPELINE_CREATED, [stages.SEEDED_PIPELINE])
        of_pipeline = [{**stage, "pipeline_id": pipeline_id} for stage in stages.SEEDED_DEAL_STAGES]
        create_many(session, DEAL_STAGES, DEAL_STAGE_CREATED, of_pipeline)
        create_many(session, LOSS_REASONS, LOSS_REASON_CREATED, stages.SEEDED_LOSS_REASONS)
