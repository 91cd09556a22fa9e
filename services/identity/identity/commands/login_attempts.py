"""What strangers try with an address: put down by the request, alike for every address; told apart by the worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, delete, insert, select

from chassis.context import Context, acting_as, current
from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.models import login_attempts

_COLUMNS = ("kind", "email", "request_id", "client_ip", "user_agent")
_PUT_DOWN = Prepared(
    insert(login_attempts).values({name: bindparam(name, type_=login_attempts.c[name].type) for name in _COLUMNS})
)
_TAKE = Prepared(
    delete(login_attempts)
    .where(
        login_attempts.c.id
        == select(login_attempts.c.id)
        .where(login_attempts.c.id > bindparam("after", type_=BigInteger))
        .order_by(login_attempts.c.id)
        .limit(1)
        .scalar_subquery()
    )
    .returning(login_attempts.c.id, *(login_attempts.c[name] for name in _COLUMNS))
)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """Somebody did something with an address: `kind` is one of rules.LOGIN_ATTEMPTS."""

    id: int
    kind: str
    email: str
    request_id: str
    client_ip: str | None
    user_agent: str | None

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """Work in the circumstances of the request that tried, as nobody and for no tenant."""
        with acting_as(Context(request_id=self.request_id, client_ip=self.client_ip, user_agent=self.user_agent)):
            yield


def put_down(session: Session, kind: str, email: str) -> None:
    """Put down what a stranger did. It costs the same whether the address is somebody's or not."""
    context = current()
    session.run(
        _PUT_DOWN,
        kind=kind,
        email=email,
        request_id=context.request_id,
        client_ip=context.client_ip,
        user_agent=context.user_agent,
    )


def take(session: Session, after: int) -> LoginAttempt | None:
    """Take the first attempt after that id off the table, for good once this transaction commits; None for none."""
    row = session.fetch_one(_TAKE, after=after)
    return None if row is None else LoginAttempt(*row)
