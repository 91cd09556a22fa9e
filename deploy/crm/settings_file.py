"""The settings that a stack was started with, kept for the commands that change it later: `home/settings.json`."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from crm.files import write_private
from crm.settings import StackSettings
from gateway.render import Limits

_NAME = "settings.json"


def keep(home: Path, settings: StackSettings) -> None:
    """Write down what a stack is started with."""
    write_private(home / _NAME, json.dumps(dataclasses.asdict(settings), indent=1, sort_keys=True) + "\n")


def kept(home: Path) -> StackSettings:
    """What was written down; what the version that did so had not is as it is by default."""
    path = home / _NAME
    values = json.loads(path.read_text()) if path.exists() else {}
    limits = Limits(**_known(Limits, values.pop("limits", {})))
    return StackSettings(**_known(StackSettings, values), limits=limits)


def _known(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in dataclasses.fields(kind) if field.name in values}
