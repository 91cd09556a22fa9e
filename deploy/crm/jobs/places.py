"""Where a stack of containers has its servers and its secrets."""

from pathlib import Path

from crm.environment import Servers
from crm.servers.archive import Cluster

SERVERS = Servers("postgres:5432", "rabbitmq:5672")
# The job that makes secrets sees a folder for each reader; a reader sees its own as READER.
SECRETS = Path("/secrets")
READER = Path("/run/crm")
OWNER = "owner"
SUPERUSER = "superuser"
ROLES = "roles.json"
DEFINITIONS = "definitions.json"
GATEWAY = Path("/run/gateway")
POSTGRES_DATA = Path("/var/lib/postgresql/data")
# The archive, and what its readers know: its configuration, and who may open it.
ARCHIVE = Path("/archive")
ARCHIVE_READER = Path("/run/archive")
LATEST = "latest"
WEB_PORT = 8000


def postgres_cluster(password: str = "") -> Cluster:
    """What an archive has to know of the PostgreSQL there."""
    host, _, port = SERVERS.postgres.partition(":")
    return Cluster(data=POSTGRES_DATA, host=host, port=int(port), password=password)
