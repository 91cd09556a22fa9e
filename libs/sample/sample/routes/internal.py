"""What other services are told of books when no event has told them."""

from chassis.references.owned import Owned
from chassis.web.internal import internal_blueprint
from chassis.web.purges import answer_purges
from sample.commands.user_purges import PURGES
from sample.views import BOOK

blueprint = internal_blueprint(books=Owned(BOOK))
answer_purges(blueprint, PURGES)
