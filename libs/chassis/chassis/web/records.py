"""Schemas of records: their fields are those of the record's view, their types those of its columns."""

from typing import Any

from marshmallow import fields, validate
from marshmallow.schema import SchemaMeta
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, DateTime, Integer, Numeric, String, Uuid

from chassis.db.json_view import JsonView
from chassis.web.schemas import ID_RANGE, Money, OutSchema, Timestamp

EXPANDED = "expanded"
_USERS = "user_refs.user_id"


def naming_users(view: JsonView) -> tuple[str, ...]:
    """The fields of a record that name a user of whom the service keeps who they are."""
    keys = {key.parent.name for key in view.table.foreign_keys if key.target_fullname == _USERS}
    return tuple(name for name in view.columns if name in keys)


class PersonOut(OutSchema):
    """Who a user is; a name that nobody has told yet is null."""

    id = fields.Integer(required=True, validate=ID_RANGE)
    name = fields.String(required=True, allow_none=True)
    is_active = fields.Boolean(required=True, metadata={"description": "Whether work can be given to them."})


class _Derive(SchemaMeta):
    """Adds to a schema a field for each column of `view`, in the view's order; what the class declares goes first."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], attributes: dict[str, Any], *, view: JsonView | None = None
    ) -> Any:
        if view is not None:
            shown = {field: attributes.pop(field, None) or _field(view, field) for field in view.columns}
            attributes = {**shown, **attributes}
            if names := naming_users(view):
                attributes |= {"naming_users": names, EXPANDED: _people()}
        return super().__new__(mcs, name, bases, attributes)

    def __init__(
        cls,  # noqa: N805  # A metaclass' instance is a class.
        name: str,
        bases: tuple[type, ...],
        attributes: dict[str, Any],
        **_: Any,
    ) -> None:
        super().__init__(name, bases, attributes)  # type: ignore[no-untyped-call]  # marshmallow's has no types.


class RecordSchema(OutSchema, metaclass=_Derive):
    """A record as it is answered and published: `class CustomerOut(RecordSchema, view=CUSTOMER)`.

    Declare a field where there is more to say than its column does: the values it may have, a description, what is in a
    JSON document, how an expression of the view comes out.
    """

    def __init_subclass__(cls, *, view: JsonView | None = None) -> None:
        """Let `view` be given where a class is declared; the metaclass has taken it."""
        super().__init_subclass__()


def _people() -> fields.Dict:
    """What `expand=` adds to an answer; no event has it."""
    return fields.Dict(
        keys=fields.String(),
        values=fields.Nested(PersonOut, allow_none=True),
        metadata={"description": "Who they are whom `expand` names; null is nobody."},
    )


class Count(fields.Integer):
    """How many there are of something."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=True, validate=validate.Range(min=0), **kwargs)


def _field(view: JsonView, name: str) -> fields.Field[Any]:
    column = view.table.c.get(name)
    if not isinstance(column, Column) or name in view.expressions:
        raise TypeError(f"{view.name}.{name} is no column: its field must be declared")
    options: dict[str, Any] = {"required": True, "allow_none": bool(column.nullable)}
    if name == "version":
        return fields.Integer(validate=validate.Range(min=1), **options)
    kind = column.type
    if isinstance(kind, ARRAY):
        return fields.List(_plain(view, name, kind.item_type, {}), **options)
    return _plain(view, name, kind, options)


def _plain(view: JsonView, name: str, kind: Any, options: dict[str, Any]) -> fields.Field[Any]:  # noqa: PLR0911  # A table.
    match kind:
        case BigInteger():
            return fields.Integer(validate=ID_RANGE, **options)
        case Integer():
            return fields.Integer(**options)
        case Numeric(precision=15, scale=2):
            return Money(**options)
        case String():
            return fields.String(validate=validate.Length(max=kind.length) if kind.length else None, **options)
        case Boolean():
            return fields.Boolean(**options)
        case DateTime(timezone=True):
            return Timestamp(**options)
        case Date():
            return fields.Date(**options)
        case Uuid():
            return fields.UUID(**options)
    raise TypeError(f"{view.name}.{name} is a {kind}: its field must be declared")
