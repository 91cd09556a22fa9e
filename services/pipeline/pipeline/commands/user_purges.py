"""What the service holds of members who were purged."""

from chassis.purges import Held, Purges
from pipeline.events import DEAL_UPDATED, EXCHANGE_RATE_UPDATED, LEAD_UPDATED
from pipeline.models import USERS, user_purges
from pipeline.queries.deals import RECORDS as DEALS
from pipeline.queries.exchange_rates import RECORDS as EXCHANGE_RATES
from pipeline.queries.leads import RECORDS as LEADS

# Histories, conversions, imports and exports go on naming the former user: they say who did something, and change no
# more.
PURGES = Purges(
    user_purges,
    users=USERS,
    held=(
        Held(LEADS, LEAD_UPDATED, owner="assigned_to"),
        Held(DEALS, DEAL_UPDATED, made_by=("created_by", "closed_by"), owner="assigned_to"),
        Held(EXCHANGE_RATES, EXCHANGE_RATE_UPDATED),
    ),
)
