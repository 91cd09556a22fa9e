"""What other services ask about tasks."""

import orjson
from flask import Response
from marshmallow import fields

from chassis.web.answers import answer
from chassis.web.internal import internal, internal_blueprint, number, of_company
from chassis.web.purges import answer_purges
from chassis.web.request import session
from chassis.web.schemas import OutSchema
from tasks.commands.user_purges import PURGES
from tasks.queries.tasks import count_open

blueprint = internal_blueprint()
answer_purges(blueprint, PURGES)


class OpenTasksOut(OutSchema):
    """How many tasks wait for somebody."""

    open_tasks = fields.Integer(required=True)


@blueprint.route("/open-tasks/<id:company_id>", methods=["GET"])
@blueprint.response(200, OpenTasksOut)
@internal
def count_open_tasks(company_id: int) -> Response:
    """Count the open tasks of the user `user_id` of a company, archived ones left out."""
    with of_company(company_id):
        return answer(orjson.dumps({"open_tasks": count_open(session(), number("user_id"))}))
