"""Who may do what at the broker: each service only what its own work takes, and nobody another's."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources

from crm.credentials import Credentials
from crm.servers.rabbitmq import ADMIN, BrokerUser
from crm.settings import SERVICES

EXCHANGE = "crm.events"
TOPOLOGY = "crm_topology"
NOTHING = "^$"
# A worker has three or four connections of one channel each.
LIMITS = {"max-connections": 100, "max-channels": 200}
# What each service publishes, as `<entity>.<action>.v<n>`, and under "chassis" what all of them do; `make contracts`
# writes it.
PUBLISHED: Mapping[str, Sequence[str]] = json.loads(resources.files("crm").joinpath("published.json").read_text())


def user_of(service: str) -> str:
    return f"crm_{service}"


def broker_password(credentials: Credentials, user: str) -> str:
    return credentials.password(f"rabbitmq_{user}")


def users(credentials: Credentials) -> list[BrokerUser]:
    """Every user of a stack's own: the administrator, the one that declares, and one for each service."""
    admin = BrokerUser(ADMIN, broker_password(credentials, ADMIN), administrator=True)
    return [admin, _topology_user(credentials), *(_service_user(credentials, service) for service in SERVICES)]


def _service_user(credentials: Credentials, service: str) -> BrokerUser:
    """Reads its own queue, writes to its own exchange and, with the keys of its own entities, to that of all events."""
    name = user_of(service)
    return BrokerUser(
        name,
        broker_password(credentials, name),
        configure=NOTHING,
        write=rf"^({re.escape(EXCHANGE)}|{service}\.own)$",
        read=rf"^{service}\.events$",
        topics={EXCHANGE: (_keys_of(service), NOTHING)},
        limits=LIMITS,
    )


def _topology_user(credentials: Credentials) -> BrokerUser:
    """Declares and binds what is a service's or all services'; it publishes no event."""
    ours = rf"^(crm\.(events|unrouted)|({'|'.join(SERVICES)})\.[a-z0-9_.]+)$"
    return BrokerUser(
        TOPOLOGY,
        broker_password(credentials, TOPOLOGY),
        configure=ours,
        # Dead letters go by the default exchange, and who declares their queue must be allowed to write there.
        write=ours.replace("^(", r"^(amq\.default|", 1),
        read=ours,
        topics={EXCHANGE: (NOTHING, ".*")},
    )


def _keys_of(service: str) -> str:
    entities = {key.partition(".")[0] for key in (*PUBLISHED["chassis"], *PUBLISHED.get(service, ()))}
    return rf"^[1-9][0-9]*\.({'|'.join(sorted(entities))})\.[a-z_]+\.v[1-9][0-9]*$"
