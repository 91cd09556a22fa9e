"""The job `databases`: waits until the servers answer, and makes what databases and roles are not there yet."""

import json
import time
from collections.abc import Callable

import psycopg

from crm import databases
from crm.environment import superuser_url
from crm.errors import OperatorError
from crm.jobs.places import READER, ROLES, SERVERS, SUPERUSER
from crm.ports import answers

_SECONDS = 120.0


def make() -> None:
    """Make them; two at a time do it one after the other."""
    password = (READER / SUPERUSER).read_text()
    passwords = json.loads((READER / ROLES).read_text())

    def url(database: str) -> str:
        return superuser_url(password, SERVERS, database)

    _wait(lambda: _connects(url("postgres")), "PostgreSQL")
    for service, of_service in passwords.items():
        databases.ensure(url, service, of_service)
    host, _, port = SERVERS.rabbitmq.partition(":")
    _wait(lambda: answers(int(port), host), "RabbitMQ")


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _wait(answering: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not answering():
        if time.monotonic() > deadline:
            raise OperatorError(f"{name} does not answer")
        time.sleep(0.25)


if __name__ == "__main__":
    make()
    print("databases are there")
