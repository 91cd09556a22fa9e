"""What other services are told of leads and deals when no event has told them."""

from chassis.references.owned import Owned
from chassis.web.internal import internal_blueprint
from chassis.web.purges import answer_purges
from pipeline.commands.user_purges import PURGES
from pipeline.views import DEAL, LEAD

blueprint = internal_blueprint(leads=Owned(LEAD), deals=Owned(DEAL))
answer_purges(blueprint, PURGES)
