"""Private PostgreSQL, RabbitMQ and HAProxy instances: how each is set up, run, asked and stopped."""

from crm.servers.postgres import Postgres
from crm.servers.rabbitmq import Epmd, RabbitMQ
from crm.servers.server import Server

__all__ = ["Epmd", "Postgres", "RabbitMQ", "Server"]
