"""The schema of a record, derived from the marshmallow schema of what the services answer."""

import inspect
import re
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from chassis.web.records import EXPANDED
from chassis.web.schemas import OutSchema

# What goes without saying.
_ANYTHING: tuple[str, Any] = ("additionalProperties", {})
# Python alone needs to be told that $ is not before a last line feed.
_OF_PYTHON = "(?!\\n)"


class UnknownRecord(Exception):
    """No schema says what the record of an entity is."""


def record_schema(package: str, entity: str) -> dict[str, Any]:
    """The JSON Schema of an entity's record: of `CustomerImportOut` in `<package>.schemas` for `customer_import`.

    Raises UnknownRecord.
    """
    name = "".join(part.capitalize() for part in entity.split("_")) + "Out"
    for module in _modules(package):
        schema = getattr(module, name, None)
        if inspect.isclass(schema) and issubclass(schema, OutSchema):
            return _derived(schema)
    raise UnknownRecord(f"{package}: no {name} in its schemas says what is in the record of {entity}")


def _modules(package: str) -> list[ModuleType]:
    top = import_module("chassis.web.schemas" if package == "chassis" else f"{package}.schemas")
    names = [each.name for each in iter_modules(getattr(top, "__path__", ()))]
    return [top, *(import_module(f"{top.__name__}.{name}") for name in names)]


def _derived(schema: type[OutSchema]) -> dict[str, Any]:
    plugin = MarshmallowPlugin()
    spec = APISpec("", "", "3.1.0", plugins=[plugin])
    # What an answer says beside the record, where it is asked to, is in no event.
    spec.components.schema("record", schema=schema(exclude=[EXPANDED] if getattr(schema, "naming_users", ()) else ()))
    components = spec.to_dict()["components"]["schemas"]
    title = (inspect.getdoc(schema) or "").split("\n\n")[0].replace("\n", " ")
    return {"title": title.removesuffix("."), **_inlined(components["record"], components)}


def _inlined(value: Any, components: dict[str, Any]) -> Any:
    """The schema without references, and what is required in the order of its properties."""
    if isinstance(value, list):
        return [_inlined(each, components) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        rest = {key: each for key, each in value.items() if key != "$ref"}
        return _inlined(components[value["$ref"].rpartition("/")[2]], components) | rest
    plain = {key: _inlined(each, components) for key, each in value.items() if (key, each) != _ANYTHING}
    if isinstance(plain.get("pattern"), str):
        plain["pattern"] = re.sub(re.escape(_OF_PYTHON) + "$", "", plain["pattern"])
    if isinstance(plain.get("required"), list) and "properties" in plain:
        plain["required"] = [name for name in plain["properties"] if name in plain["required"]]
    return plain
