"""What of deploy/kubernetes is made: an overlay for each service, the example, the alerts.

`python -m crm.kubernetes.overlays` writes them, from the settings that compose and the native mode start from.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crm.compose.file import ROOT, of_service
from crm.credentials import Credentials
from crm.jobs.places import WEB_PORT
from crm.kubernetes.secrets import READERS, of_reader
from crm.settings import ASKS, JOBS_ASK, SERVICES

FOLDER = ROOT / "deploy" / "kubernetes"
RULES = ROOT / "deploy" / "monitoring" / "rules.yml"
_IDENTITY = "identity"
_HEAD = "# Made by `make manifests` from deploy/monitoring/rules.yml: change that."


def files() -> dict[Path, str]:
    """Every file that is made, with what it holds."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # YAML, made of names from this repository.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    service = environment.get_template("service.yaml.j2")
    made = {FOLDER / "services" / name / "kustomization.yaml": service.render(_values(name)) for name in SERVICES}
    example = environment.get_template("overlays.yaml.j2").render(services=list(SERVICES))
    made[FOLDER / "overlays" / "example" / "kustomization.yaml"] = example
    made[FOLDER / "components" / "monitoring" / "rules.yaml"] = _rules()
    return made


def _values(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        credentials = Credentials(Path(scratch))
        readers = [(kind, list(of_reader(name, kind, credentials))) for kind in READERS]
    # Everybody asks identity for its public keys.
    asked = sorted({*ASKS.get(name, ()), _IDENTITY} - {name})
    asked_by = [other for other in SERVICES if other != name and (name == _IDENTITY or name in ASKS.get(other, ()))]
    jobs = {
        "asked_by_worker": JOBS_ASK.get(name, ()),
        "asking_workers": [other for other, asked in JOBS_ASK.items() if name in asked],
    }
    return {**of_service(name), "port": WEB_PORT, "readers": readers, "asked": asked, "asked_by": asked_by, **jobs}


def _rules() -> str:
    """The alerts as the Prometheus operator wants them."""
    head = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "crm", "labels": {"app.kubernetes.io/part-of": "crm"}},
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    indented = [f"  {line}" if line else "" for line in RULES.read_text().splitlines()]
    return "\n".join([_HEAD, *lines, "spec:", *indented, ""])


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
