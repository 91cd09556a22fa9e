"""Exports that were taken."""

from chassis.db.records import Records
from pipeline.events import SOURCE
from pipeline.views import DEAL_EXPORT, LEAD_EXPORT

LEAD_EXPORTS = Records(LEAD_EXPORT, source=SOURCE, noun="lead export")
DEAL_EXPORTS = Records(DEAL_EXPORT, source=SOURCE, noun="deal export")
