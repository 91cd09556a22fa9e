"""A broker as a stack has it, and somebody who tries what they may not do there."""

import contextlib

import pika
import pytest
from pika.exceptions import AMQPError, ChannelClosedByBroker

from chassis.broker import topology
from chassis.service import load
from crm import places
from crm.broker_rights import TOPOLOGY, users
from crm.credentials import Credentials
from crm.ports import free_port
from crm.sandbox import temporary_home
from crm.servers import RabbitMQ
from crm.servers.rabbitmq import BrokerPorts, BrokerUser
from crm.settings import SERVICES

REFUSED = 403


@pytest.fixture(scope="session")
def broker_of_services():
    """A broker that was set up by a release whose services might do everything, and then by this one."""
    home = temporary_home("crm-rights-")
    taken = []
    for _ in range(3):
        taken.append(free_port(taken))
    given = users(Credentials(home))
    ports = BrokerPorts(*taken)
    careless = [BrokerUser(user.name, user.password, administrator=user.administrator) for user in given]
    server = RabbitMQ(home, ports=ports, users=careless)
    try:
        server.prepare()
        server.start()
        server.wait_ready()
        server.stop()
        server = RabbitMQ(home, ports=ports, users=given)
        server.prepare()
        server.start()
        server.wait_ready()
        for _ in range(2):
            for service in SERVICES:
                topology.declare(server.url(TOPOLOGY), service, load(service).subscriptions)
        yield server
    finally:
        server.stop()
        places.remove(home)


class Intruder:
    """Somebody with a user's credentials; each attempt has a channel of its own, which a refusal ends."""

    def __init__(self, url):
        self.connection = pika.BlockingConnection(pika.URLParameters(url))

    def code(self, attempt):
        """What the broker closes the channel with over `attempt`, or None where it lets it through."""
        channel = self.connection.channel()
        channel.confirm_delivery()
        try:
            attempt(channel)
        except ChannelClosedByBroker as error:
            return error.reply_code
        channel.close()
        return None

    def let_through(self, attempts):
        return [name for name, attempt in attempts.items() if self.code(attempt) != REFUSED]


@pytest.fixture
def intrude():
    """A function from a user's URL to somebody who has it."""
    found = []

    def open_with(url):
        found.append(Intruder(url))
        return found[-1]

    yield open_with
    for intruder in found:
        # Of a user that was removed the broker has ended it.
        with contextlib.suppress(AMQPError):
            intruder.connection.close()
