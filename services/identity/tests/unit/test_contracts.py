"""The contracts of identity's events: each has a schema and an example that fit, and none promises a secret."""

from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from chassis.events import decode
from identity.events import PUBLISHED

CONTRACTS = Path(__file__).parents[4] / "contracts" / "events"
NAMES = [event_type.name for event_type in PUBLISHED]


@pytest.mark.parametrize("name", NAMES)
def test_the_example_fits_the_schema(name: str) -> None:
    schema = orjson.loads((CONTRACTS / f"{name}.schema.json").read_bytes())
    example = (CONTRACTS / f"{name}.example.json").read_bytes()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(orjson.loads(example))
    assert decode(example).type == name


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_asks_for_every_field_and_leaves_room_for_more(name: str) -> None:
    text = (CONTRACTS / f"{name}.schema.json").read_text()
    assert "additionalProperties" not in text
    schema = orjson.loads(text)
    assert schema["required"] == list(schema["properties"])
    for definition in schema["$defs"].values():
        assert definition["required"] == list(definition["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_no_contract_promises_a_secret(name: str) -> None:
    # That a password was changed is no secret; what it is has no place in any event.
    text = (CONTRACTS / f"{name}.schema.json").read_text().replace(name, "").replace("has another password", "")
    for word in ("password", "token_epoch", "hash", "nonce"):
        assert word not in text
