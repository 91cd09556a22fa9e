"""What other services are told of customers when no event has told them."""

from dataclasses import asdict, replace
from typing import Any

import orjson
from flask import Response

from chassis.context import acting_as, current
from chassis.references.owned import Owned
from chassis.web.answers import answer
from chassis.web.internal import internal, internal_blueprint
from chassis.web.purges import answer_purges
from chassis.web.request import session
from customers.commands.import_rows import read_company
from customers.commands.user_purges import PURGES
from customers.queries.duplicates import find_duplicates
from customers.queries.keys import with_customer_keys
from customers.queries.named import NamedCustomers
from customers.schemas.merges import DuplicatesOut, LikenessIn
from customers.schemas.named import NamedCustomersIn, NamedCustomersOut
from customers.views import CUSTOMER

blueprint = internal_blueprint(customers=Owned(CUSTOMER))
answer_purges(blueprint, PURGES)


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


@blueprint.route("/named-customers/<id:company_id>", methods=["POST"])
@blueprint.response(200, NamedCustomersOut)
@internal
@blueprint.arguments(NamedCustomersIn)
def find_named_customers(data: dict[str, Any], company_id: int) -> Response:
    """Find the customers that rows of a file name, as far as the user may see them.

    Each of `named` has the customer's `customer_id`, `customer_code`, `company_name`, `website` or `customer_email`, or
    several of them. Asked by POST, because it is too long for an address; it changes nothing.
    """
    context = replace(current(), company_id=company_id, user_id=data["user_id"], own_only=data["own_only"])
    with acting_as(context):
        named = data["named"]
        customers = NamedCustomers(session(), named, read_company(session()).rules.free_mail)
        return answer(orjson.dumps({"found": [asdict(customers.find(row)) for row in named]}))
