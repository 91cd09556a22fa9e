"""Other systems that consume the events: each has a user and a bounded queue of its own, and reaches nothing else.

The broker is the only place where they are kept.
"""

import difflib
import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from crm.broker_rights import EXCHANGE, NOTHING, PUBLISHED
from crm.errors import OperatorError
from crm.servers.rabbitmq import VHOST, password_hash

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}\Z")
_PATTERN = re.compile(r"(?P<entity>\*|[a-z_]+)\.(?P<action>\*|[a-z_]+)(\.v(?P<version>[1-9][0-9]*))?\Z")
_QUEUES = "consumers."
_DEAD = ".dead"
_USERS = "consumer-"
_DAY = 24 * 3600 * 1000
_MOST_BYTES = 512 * 1024**2
# A message that a consumer gives back so often is one that it cannot take.
_DELIVERY_LIMIT = 20
_DEAD_LIMITS = {"x-max-length": 10_000, "x-max-length-bytes": 64 * 1024**2, "x-message-ttl": 14 * _DAY}
# Of a system's processes together; what goes beyond is a fault there, and no load here.
_USER_LIMITS = {"max-connections": 10, "max-channels": 50}
_LOOKED_AT = 2.0


class Control(Protocol):
    """Runs `rabbitmqctl`, in whichever mode the stack is; raises OperatorError when it fails."""

    def __call__(self, *arguments: str, given: str | None = None) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A consumer to be added: of all companies without `company`; what waits is dropped by age or number."""

    name: str
    company: int | None
    events: tuple[str, ...]
    days: int
    messages: int


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a consumer's developers are given."""

    user: str
    password: str
    queue: str


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A consumer as the broker knows it; `change` is by how many messages a second its queue grows, or shrinks."""

    name: str
    queue: str
    company: str
    events: tuple[str, ...]
    waiting: int
    change: float
    connections: int
    dead: int


class Consumers:
    """The consumers of one broker."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def add(self, wish: Wish) -> Access:
        """Make the user, the queue, its bindings and the rights to it. What came before is not in the queue."""
        if not _NAME.match(wish.name):
            raise OperatorError(
                f"{wish.name} is no name for a consumer: 2 to 31 small letters, digits and hyphens, first a letter"
            )
        keys = [binding(pattern, wish.company) for pattern in wish.events]
        if wish.name in _names(*self._there()):
            raise OperatorError(
                f"there is a consumer {wish.name}; `crm consumers rotate {wish.name}` gives it another password, "
                f"and `crm consumers remove {wish.name}` ends it"
            )
        # Whoever knows a queue's name can ask how long it is, whatever their rights: nobody knows that of another's.
        queue = f"{_QUEUES}{wish.name}.{secrets.token_hex(6)}"
        access = _new_access(wish.name, queue)
        dead = queue + _DEAD
        limits = {"x-max-length": wish.messages, "x-max-length-bytes": _MOST_BYTES, "x-message-ttl": wish.days * _DAY}
        given = {"x-delivery-limit": _DELIVERY_LIMIT, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
        self._define(
            users=[_user(access)],
            permissions=[_permission(access)],
            topic_permissions=[
                {"user": access.user, "vhost": VHOST, "exchange": EXCHANGE, "write": NOTHING, "read": NOTHING}
            ],
            queues=[_queue(dead, _DEAD_LIMITS), _queue(queue, limits | given)],
            bindings=[
                {
                    "source": EXCHANGE,
                    "vhost": VHOST,
                    "destination": queue,
                    "destination_type": "queue",
                    "routing_key": key,
                    "arguments": {},
                }
                for key in keys
            ],
        )
        return access

    def rotate(self, name: str) -> Access:
        """Give it another password, and end the connections that were made with the one before."""
        users, queues = self._there()
        self._refuse_unknown(name, users, queues)
        own = [queue for queue in queues if _name_in(queue) == name and not queue.endswith(_DEAD)]
        if not own:
            raise OperatorError(f"{name} has no queue any more; remove it, and add it again")
        access = _new_access(name, own[0])
        self._define(users=[_user(access)])
        self._control("close_all_user_connections", access.user, "its password was changed")
        return access

    def remove(self, name: str) -> None:
        """End it: no connection, no user, no queue, and what waits in it is gone. Safe to repeat after a failure."""
        users, queues = self._there()
        self._refuse_unknown(name, users, queues)
        user = _USERS + name
        if user in users:
            self._control("delete_user", user)
        ends: list[tuple[str, ...]] = [("close_all_user_connections", user, "the consumer was removed")]
        ends += [("delete_queue", "-p", VHOST, queue) for queue in queues if _name_in(queue) == name]
        with ThreadPoolExecutor(len(ends)) as pool:
            list(pool.map(lambda end: self._control(*end), ends))

    def list_all(self) -> list[Consumer]:
        """All of them by name. It looks twice, to see whether their queues grow."""
        before, began = self._lengths(), time.monotonic()
        bindings = self._json("list_bindings", "-p", VHOST, "source_name", "destination_name", "routing_key")
        time.sleep(max(0.0, _LOOKED_AT - (time.monotonic() - began)))
        after, seconds = self._lengths(), time.monotonic() - began
        found = []
        for queue, (waiting, connections) in sorted(after.items()):
            if not queue.endswith(_DEAD):
                keys = [row["routing_key"] for row in bindings if _binds(row, queue)]
                found.append(
                    Consumer(
                        name=_name_in(queue),
                        queue=queue,
                        company=", ".join(sorted({key.partition(".")[0] for key in keys})).replace("*", "all"),
                        events=tuple(sorted(key.partition(".")[2] for key in keys)),
                        waiting=waiting,
                        change=(waiting - before.get(queue, (waiting, 0))[0]) / seconds,
                        connections=connections,
                        dead=after.get(queue + _DEAD, (0, 0))[0],
                    )
                )
        return found

    def _define(self, **definitions: Any) -> None:
        # By standard input: what is on a command line everybody on the machine can read.
        self._control("import_definitions", given=json.dumps(definitions))

    def _there(self) -> tuple[set[str], list[str]]:
        """The users and the queues of all consumers."""
        with ThreadPoolExecutor(2) as pool:
            users, queues = pool.submit(self._users), pool.submit(self._lengths)
            return users.result(), list(queues.result())

    def _refuse_unknown(self, name: str, users: Iterable[str], queues: Iterable[str]) -> None:
        known = _names(users, queues)
        if name not in known:
            there = f"known are: {', '.join(sorted(known))}" if known else "there is none at all"
            raise OperatorError(f"there is no consumer {name}; {there}")

    def _users(self) -> set[str]:
        return {row["user"] for row in self._json("list_users") if row["user"].startswith(_USERS)}

    def _lengths(self) -> dict[str, tuple[int, int]]:
        """Messages and connections by the queue of a consumer."""
        rows = self._json("list_queues", "-p", VHOST, "name", "messages", "consumers")
        # A queue that has no leader yet knows neither.
        return {
            row["name"]: (row["messages"] or 0, row["consumers"] or 0)
            for row in rows
            if row["name"].startswith(_QUEUES)
        }

    def _json(self, *arguments: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self._control(*arguments, "--formatter", "json"))
        return rows


def binding(pattern: str, company: int | None) -> str:
    """The key to bind for `customer.*` or `deal.won` (of version 1) or `deal.won.v2`; raises OperatorError."""
    read = _PATTERN.match(pattern)
    if read is None:
        raise OperatorError(f"{pattern} is no pattern of events; one is `customer.*`, `deal.won` or `*.created.v1`")
    wanted = f"{read['entity']}.{read['action']}.v{read['version'] or 1}"
    every = [event for published in PUBLISHED.values() for event in published]
    if not any(fnmatchcase(event, wanted) for event in every):
        near = difflib.get_close_matches(wanted, every, 3) or sorted(every)[:3]
        raise OperatorError(f"nothing publishes {wanted}; there are {', '.join(near)} and others (contracts/events)")
    return f"{'*' if company is None else company}.{wanted}"


def _new_access(name: str, queue: str) -> Access:
    return Access(user=_USERS + name, password=secrets.token_urlsafe(24), queue=queue)


def _user(access: Access) -> dict[str, Any]:
    return {
        "name": access.user,
        "password_hash": password_hash(access.user, access.password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
        "limits": _USER_LIMITS,
    }


def _permission(access: Access) -> dict[str, str]:
    read = rf"^{re.escape(access.queue)}(\.dead)?$"
    return {"user": access.user, "vhost": VHOST, "configure": NOTHING, "write": NOTHING, "read": read}


def _queue(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    # drop-head: a consumer that stays away loses its oldest events, and never stops a publisher.
    bounded = {"x-queue-type": "quorum", "x-overflow": "drop-head", **arguments}
    return {"name": name, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": bounded}


def _names(users: Iterable[str], queues: Iterable[str]) -> set[str]:
    return {user.removeprefix(_USERS) for user in users} | {_name_in(queue) for queue in queues}


def _name_in(queue: str) -> str:
    return queue.removeprefix(_QUEUES).partition(".")[0]


def _binds(row: Mapping[str, str], queue: str) -> bool:
    return (row["source_name"], row["destination_name"]) == (EXCHANGE, queue)


def split(events: Sequence[str]) -> tuple[str, ...]:
    """The patterns in what was given, once each: several options, or several in one with commas between."""
    parts = [part.strip() for given in events for part in given.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))
