"""What other services are told of customers when no event has told them."""

from dataclasses import replace
from typing import Any

import orjson
from flask import Response

from chassis.context import acting_as, current
from chassis.references.owned import Owned
from chassis.web.answers import answer
from chassis.web.internal import internal, internal_blueprint
from chassis.web.request import session
from customers.queries.duplicates import find_duplicates
from customers.queries.keys import with_customer_keys
from customers.schemas.merges import DuplicatesOut, LikenessIn
from customers.views import CUSTOMER

blueprint = internal_blueprint(customers=Owned(CUSTOMER))


@blueprint.route("/duplicates/<id:company_id>", methods=["GET"])
@blueprint.response(200, DuplicatesOut)
@internal
@blueprint.query(LikenessIn)
def find_duplicates_of_company(values: dict[str, Any], company_id: int) -> Response:
    """Find the customers that data is probably about, as far as a user of the company may see them.

    The query has the customer's `name`, `email`, `phone`, `website`, `country` and `customer_type`, each if it is
    known, the `user_id` and, where they see no more than their own customers, `own_only=true`.
    """
    visibility = {name: values.pop(name) for name in ("user_id", "own_only")}
    with acting_as(replace(current(), company_id=company_id, **visibility)):
        found = find_duplicates(session(), with_customer_keys(session(), values))
        return answer(orjson.dumps(found))
