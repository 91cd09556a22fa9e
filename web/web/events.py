"""The AsyncAPI document of the events, made from the folder `contracts`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Every committed change is published at least once, as CloudEvents 1.0 in structured JSON, on the topic exchange
`crm.events`. The routing key is `<company>.<entity>.<action>.v<n>`. A consumer recognises duplicates by `id`, keeps the
highest `aggregateversion` of a record and never overwrites it with an older state; there is no order between records.
"""
_NAME = re.compile(r"crm\.(?P<entity>\w+)\.(?P<action>\w+)\.(?P<version>v\d+)")


def asyncapi(contracts: Path) -> dict[str, Any]:
    """The document (AsyncAPI 3.0): a channel for each event type, its message, its schema and its example."""
    envelope = _named("envelope", json.loads((contracts / "envelope.json").read_bytes()))
    records = {path.stem: json.loads(path.read_bytes()) for path in sorted((contracts / "records").glob("*.json"))}
    channels, operations, messages = {}, {}, {}
    for path in sorted((contracts / "events").glob("*.json")):
        name = _NAME.fullmatch(path.stem)
        if name is None:
            raise ValueError(f"{path.name} is no name of an event")
        key = _key(name)
        contract = json.loads(path.read_bytes())
        messages[key] = _message(path.stem, contract, contracts / "examples" / path.name)
        channels[key] = {
            "address": "{company}." + path.stem.removeprefix("crm."),
            "title": contract["title"],
            "parameters": {"company": {"description": "The company's id; * for all that the credentials may see."}},
            "messages": {key: {"$ref": f"#/components/messages/{key}"}},
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": "crm.events", "type": "topic", "durable": True, "vhost": "/"},
                }
            },
        }
        operations[f"on_{key}"] = {
            "action": "receive",
            "summary": contract["title"],
            "channel": {"$ref": f"#/channels/{key}"},
            "tags": [{"name": name["entity"]}],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "CRM events", "version": "1.0.0", "description": _DESCRIPTION},
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": {"envelope": envelope, **records}, "messages": messages},
    }


def _key(name: re.Match[str]) -> str:
    return f"{name['entity']}_{name['action']}_{name['version']}"


def _message(event_type: str, contract: Mapping[str, Any], example: Path) -> dict[str, Any]:
    own = {key: value for key, value in contract.items() if key not in ("title", "description", "$ref")}
    message = {
        "name": event_type,
        "title": contract["title"],
        "contentType": "application/cloudevents+json",
        "payload": {"allOf": [{"$ref": "#/components/schemas/envelope"}, _local(own)]},
    }
    if "description" in contract:
        message["description"] = contract["description"]
    if example.is_file():
        message["examples"] = [{"name": event_type, "payload": json.loads(example.read_bytes())}]
    return message


def _named(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A file's schema as a component, without what says where it would lie as a file."""
    return {key: _local(value) for key, value in schema.items() if key not in ("$schema", "$id")} | {"title": name}


def _local(value: Any) -> Any:
    """The schema with its references to files made references to components."""
    if isinstance(value, list):
        return [_local(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: f"#/components/schemas/{Path(each).stem}"
        if key == "$ref" and str(each).endswith(".json")
        else _local(each)
        for key, each in value.items()
    }
