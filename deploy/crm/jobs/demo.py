"""`python -m crm.jobs.demo seed|token|creds`: the demo tenants of a stack of containers, whose letters it can read."""

import sys
from pathlib import Path

from crm import screen
from crm.client import seed
from crm.client.demo import NORTHWIND
from crm.credentials import Credentials
from crm.environment import mail_folder
from crm.errors import OperatorError

_HOME = Path("/demo")
_GATEWAY = "http://gateway:8080"


def main(command: str) -> None:
    credentials = Credentials(_HOME)
    if command == "seed":
        seeded = seed.seed(_GATEWAY, credentials, mail_folder(_HOME))
        print(f"2 tenants · {seeded.created} customers created, {seeded.found} there already")
    elif command == "token":
        print(seed.sign_in(_GATEWAY, credentials, NORTHWIND))
    else:
        screen.table(seed.table_of_sign_ins(credentials))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OperatorError as error:
        sys.exit(str(error))
