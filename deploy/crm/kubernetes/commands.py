"""The command `crm kubernetes`."""

import json
from pathlib import Path

import click

from crm.credentials import Credentials
from crm.kubernetes.secrets import objects


@click.group()
def kubernetes() -> None:
    """Make what a stack on Kubernetes needs of this machine (deploy/kubernetes/README.md)."""


@kubernetes.command()
@click.option("--mail-url", default="", help="Where letters go, as in smtp://user:password@host:587?tls=starttls.")
@click.pass_obj
def secrets(home: Path, mail_url: str) -> None:
    """Print the Secret of every reader, from the home's secrets, which are made where there are none."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    print(json.dumps(objects(Credentials(home), mail_url), indent=1))
