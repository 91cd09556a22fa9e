"""What other services are told of customers when no event has told them."""

from chassis.references.owned import Owned
from chassis.web.internal import internal_blueprint
from customers.views import CUSTOMER

blueprint = internal_blueprint(customers=Owned(CUSTOMER))
