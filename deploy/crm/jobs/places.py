"""Where a stack of containers has its servers and its secrets."""

from pathlib import Path

from crm.environment import Servers

SERVERS = Servers("postgres:5432", "rabbitmq:5672")
# The job that makes secrets sees a folder for each reader; a reader sees its own as READER.
SECRETS = Path("/secrets")
READER = Path("/run/crm")
OWNER = "owner"
SUPERUSER = "superuser"
ROLES = "roles.json"
DEFINITIONS = "definitions.json"
GATEWAY = Path("/run/gateway")
WEB_PORT = 8000
