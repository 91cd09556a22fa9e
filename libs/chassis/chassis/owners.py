"""Who owns an entity, and so alone publishes events of it: `owners.json`, which `make contracts` writes."""

from collections.abc import Mapping
from importlib import resources

import orjson

# The service by the entity; None where every service publishes.
OWNERS: Mapping[str, str | None] = orjson.loads(resources.files("chassis").joinpath("owners.json").read_bytes())
