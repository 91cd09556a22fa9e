"""`python -m crm.kubernetes.check`: renders deploy/kubernetes, and holds the result to Kubernetes' own strict schemas.

What operators bring (CloudNativePG and others) has no schema here: `CRD_SCHEMAS` names a folder with theirs, in the
layout of the repository datreeio/CRDs-catalog.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from crm.errors import OperatorError
from crm.kubernetes.overlays import FOLDER, files

# The oldest release that is supported: native sidecars, `matchLabelKeys` and the pause of `preStop` are on by default.
VERSION = "1.31"
EXAMPLE = FOLDER / "overlays" / "example"
OF_OPERATORS = frozenset(
    {
        "barmancloud.cnpg.io/v1",
        "cert-manager.io/v1",
        "keda.sh/v1alpha1",
        "monitoring.coreos.com/v1",
        "postgresql.cnpg.io/v1",
        "rabbitmq.com/v1beta1",
    }
)


def render(folder: Path) -> list[dict[str, Any]]:
    """Every object of a kustomization. Raises OperatorError where it cannot be rendered."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        raise OperatorError(f"{folder}: {done.stderr}")
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))  # The safe loader, in C.


def faults(rendered: Sequence[dict[str, Any]], schemas: Path | None = None) -> list[str]:
    """What no API server would take, a line each."""
    found = []
    for entry in rendered:
        name = f"{entry['kind']} {entry['metadata']['name']}"
        try:
            if entry["apiVersion"] not in OF_OPERATORS:
                kubernetes_validate.validate(entry, VERSION, strict=True)
            elif schemas is not None:
                group, _, version = entry["apiVersion"].partition("/")
                schema = schemas / group / f"{entry['kind'].lower()}_{version}.json"
                jsonschema.validate(entry, json.loads(schema.read_text()))
        except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
            found.append(f"{name}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            found.append(f"{name}: {error}")
    return found


def stale() -> list[str]:
    """The files that are not as they would be made."""
    return [str(path) for path, text in files().items() if not path.exists() or path.read_text() != text]


def main() -> None:
    """Leave with 1 and a line for each fault."""
    given = os.environ.get("CRD_SCHEMAS")
    found = [f"{path} is out of date: make manifests" for path in stale()]
    found += faults(render(EXAMPLE), Path(given) if given else None)
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
