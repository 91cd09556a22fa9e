"""What a body may cost: in no schema that a client sends is there a list or an object without a size."""

from importlib import import_module
from pkgutil import walk_packages

import pytest
from marshmallow import ValidationError, fields

from chassis.web import request
from chassis.web.schemas import MOST_ERRORS, MOST_UNKNOWN, Entries, Id, InSchema, Items


def all_below(schema):
    for child in schema.__subclasses__():
        yield child
        yield from all_below(child)


def test_every_list_and_object_in_a_body_is_counted_before_it_is_looked_at(service_name):
    package = import_module(service_name)
    for module in walk_packages(package.__path__, f"{service_name}."):
        if ".schemas" in module.name:
            import_module(module.name)
    unbounded = [
        f"{schema.__module__}.{schema.__name__}.{name}"
        for schema in all_below(InSchema)
        if schema.__module__.startswith(f"{service_name}.")
        for name, field in schema._declared_fields.items()
        if (isinstance(field, fields.List) and not isinstance(field, Items))
        # Without kinds of names and values marshmallow looks at none of them.
        or (
            isinstance(field, fields.Dict) and (field.key_field or field.value_field) and not isinstance(field, Entries)
        )
    ]
    assert unbounded == []


class Item(InSchema):
    id = Id(required=True)


class Order(InSchema):
    ids = Items(Id(), least=1, most=3)
    items = Items(fields.Nested(Item), most=1000)
    names = Entries(most=2, keys=fields.String(), values=Id())


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({"ids": [0] * 500_000}, {"ids": ["Length must be between 1 and 3."]}),
        ({"ids": []}, {"ids": ["Length must be between 1 and 3."]}),
        ({"names": {str(number): 0 for number in range(100_000)}}, {"names": ["Longer than maximum length 2."]}),
        ({"ids": {}}, {"ids": ["Not a valid list."]}),
    ],
)
def test_what_is_too_long_is_said_once_and_its_items_are_not_looked_at(body, messages):
    with pytest.raises(ValidationError) as refused:
        Order().load(body)
    assert refused.value.messages == messages


def test_a_body_of_very_many_fields_is_refused_as_a_whole():
    with pytest.raises(ValidationError) as refused:
        Order().load({f"f{number}": 1 for number in range(MOST_UNKNOWN + 4)})
    assert refused.value.normalized_messages() == {"_schema": ["There are 24 fields; at most 3 are known."]}
    with pytest.raises(ValidationError) as refused:
        Order().load({"idss": [1]})
    assert refused.value.messages == {"idss": ["Unknown field."]}


def test_the_errors_of_a_list_stop_at_the_limit():
    with pytest.raises(ValidationError) as refused:
        Order().load({"items": [{}] * 1000})
    assert list(refused.value.messages["items"]) == list(range(MOST_ERRORS))


def test_items_within_the_limits_are_taken():
    body = {"ids": [1, 2], "items": [{"id": 5}], "names": {"a": 1}}
    assert Order().load(body) == body


@pytest.mark.parametrize("end", [b"", b"\\", b'"', b'\\"x', b'"]'])
def test_what_stands_in_texts_is_told_from_values_in_one_pass(end):
    """Looked through from each of its quotation marks this body would take minutes, and no other thread would get on."""
    body = b"[1" + b",1" * 60_000 + b',"' + b'\\"' * 60_000 + end
    assert request._TEXTS.sub(b"", body).rstrip(b"]").count(b",") == 60_001
    assert request._TEXTS.sub(b"", b'{"a":"x,\\",y","b":[1,2]}') == b"{:,:[1,2]}"
