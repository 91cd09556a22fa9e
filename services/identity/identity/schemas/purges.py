"""Members who are removed for good."""

from marshmallow import fields, validate

from chassis.purges import ACTIVITIES, STATES
from chassis.web.schemas import Id, InSchema, OutSchema, Text, Timestamp

# Of a service that does not answer now.
UNREACHABLE = {"state": "unreachable", "changed": None, "finished_at": None}


class PurgeIn(InSchema):
    """What becomes of the records of a member who is removed for good."""

    transfer_to = Id(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The member who gets what is assigned to them; without, only their open tasks must be gone."
        },
    )
    activities = fields.String(
        load_default="keep",
        validate=validate.OneOf(ACTIVITIES),
        metadata={"description": "Whether their calls, mails, meetings and notes stay, as those of a former user."},
    )


class PurgeOfServiceOut(OutSchema):
    """How far one service is with a purge, as it says itself."""

    service = fields.String(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf((*STATES, UNREACHABLE["state"])),
        metadata={"description": "waiting: the event has not come yet; unreachable: the service does not answer now."},
    )
    changed = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Records changed or deleted until now."}
    )
    finished_at = Timestamp(required=True, allow_none=True)


class _PurgeOut(OutSchema):
    """A purge, and how far each service is with it."""

    created_by = fields.Integer(required=True, allow_none=True, metadata={"description": "Who did it."})
    created_at = Timestamp(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(("working", "done")),
        metadata={"description": "done: every service says that it is done."},
    )
    services = fields.List(fields.Nested(PurgeOfServiceOut), required=True)


class PurgeOut(_PurgeOut):
    """The purge of a former member, and how far each service is with it."""

    user_id = fields.Integer(required=True)
    transfer_to = fields.Integer(required=True, allow_none=True)
    activities = fields.String(required=True, validate=validate.OneOf(ACTIVITIES))


class CompanyPurgeIn(InSchema):
    """What shows that it is really this company that is to go, and who says so."""

    name = Text(required=True, longest=255, metadata={"description": "The company's name as it is."})
    current_password = fields.String(required=True, load_only=True, metadata={"format": "password"})


class CompanyPurgeOut(_PurgeOut):
    """The purge of a company, and how far each service is with it."""

    company_id = fields.Integer(required=True)
