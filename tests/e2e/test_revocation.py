"""Who was sent off is refused by the gateway within two seconds, whatever else is down, and stays refused."""

import time

import jwt
import pytest
import requests

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.testing.waiting import wait_until
from gateway import map_files
from gateway.token_rules import LIFE_SECONDS
from identity.commands import revocations
from identity.rules import ACCESS_TOKEN_LIFE

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.usefixtures("whole_again")]
KINDS = ("user", "session", "company")
SECONDS = 2.0
ROUNDS = 7


@pytest.fixture(scope="module")
def api(stack):
    return f"{stack.gateway_url}/v1"


class Member:
    """Somebody who works, until they are sent off."""

    def __init__(self, api, registered):
        self.api = api
        self.company_id, self.user_id = registered["company"]["id"], registered["user"]["id"]
        self.refresh_token = registered["refresh_token"]
        self.token = registered["access_token"]
        self.http = requests.Session()

    def me(self) -> int:
        return self.http.get(f"{self.api}/auth/me", headers=self.headers, timeout=10).status_code

    def create(self):
        return self.http.post(f"{self.api}/customers", json={"name": "Grace"}, headers=self.headers, timeout=10)

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def member(api, register):
    """Make a member of a company of its own, whose token the gateway has let pass before."""
    made = []

    def make() -> Member:
        made.append(Member(api, register(api)[1]))
        assert made[-1].me() == 200
        return made[-1]

    yield make
    for one in made:
        one.http.close()


@pytest.fixture(scope="module")
def revoke(stack):
    """Revoke with identity's own commands, in a transaction that has committed when this returns."""
    database = Database(stack.database_url("identity", "app"))

    def make(kind, one):
        with acting_as(Context(company_id=one.company_id)), database.transaction() as session:
            if kind == "user":
                revocations.revoke_user(session, one.user_id)
            elif kind == "session":
                sid = jwt.decode(one.token, options={"verify_signature": False})["sid"]
                revocations.revoke_session(session, sid)
            else:
                revocations.close_company(session, one.company_id)

    yield make
    database.dispose()


def until(question, seconds):
    """How long it took until the answer was true."""
    began = time.monotonic()
    wait_until(question, seconds, pause=0.005)
    return time.monotonic() - began


def refused(one):
    return one.me() == 401


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_revoked_is_refused_within_two_seconds(member, revoke, kind):
    took = []
    for _ in range(ROUNDS):
        one = member()
        revoke(kind, one)
        took.append(until(lambda one=one: refused(one), SECONDS))
    assert max(took) < SECONDS


def test_the_refusal_is_that_of_an_expired_token_and_nobody_else_is_refused(member, revoke):
    one, other = member(), member()
    revoke("session", one)
    until(lambda: refused(one), SECONDS)
    answer = one.create()
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert other.me() == 200


def test_a_refresh_brings_a_token_that_is_as_things_are_now(member, revoke):
    one = member()
    revoke("user", one)
    until(lambda: refused(one), SECONDS)
    answer = requests.post(f"{one.api}/auth/refresh", json={"refresh_token": one.refresh_token}, timeout=10)
    one.token = answer.json()["access_token"]
    assert one.me() == 200


def test_a_company_that_is_opened_again_works_on(stack, member, revoke):
    one = member()
    revoke("company", one)
    until(lambda: refused(one), SECONDS)
    database = Database(stack.database_url("identity", "app"))
    with acting_as(Context(company_id=one.company_id)), database.transaction() as session:
        revocations.open_company(session, one.company_id)
    database.dispose()
    until(lambda: one.me() == 200, SECONDS)


def test_while_rabbitmq_is_down_the_revoked_are_refused_as_ever(stack, member, revoke):
    sent_off = {kind: member() for kind in KINDS}
    stack.stop_program("rabbitmq")
    try:
        for kind, one in sent_off.items():
            revoke(kind, one)
            until(lambda one=one: refused(one), SECONDS)
    finally:
        stack.start_program("rabbitmq")


def kill_gateway(stack):
    """Kill HAProxy's master and wait until another one answers."""
    killed = stack.kill_program("gateway")

    def again():
        if stack.statuses()["gateway"].pid in (0, killed):
            return False
        try:
            return requests.get(f"{stack.gateway_url}/livez", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    until(again, 20)


def test_a_gateway_that_was_killed_refuses_from_its_first_answer_on(stack, member, revoke):
    before, after = member(), member()
    revoke("user", before)
    until(lambda: refused(before), SECONDS)
    stack.stop_program("gateway-agent")
    kill_gateway(stack)
    # Nobody has told the new process anything: this is what it read from the files.
    assert refused(before)
    assert after.me() == 200
    stack.start_program("gateway-agent")
    revoke("user", after)
    until(lambda: refused(after), SECONDS)
    stack.wait_ready()
    assert after.create().status_code == 401


def test_a_gateway_that_was_reloaded_refuses_all_the_same(stack, member, revoke):
    before, after = member(), member()
    revoke("session", before)
    until(lambda: refused(before), SECONDS)
    stack.supervisor.signal("gateway", "USR2")
    for _ in range(200):
        assert refused(before)
    revoke("session", after)
    until(lambda: refused(after), SECONDS)


def test_an_agent_that_was_killed_comes_back_and_knows_what_it_missed(stack, member, revoke):
    before, after = member(), member()
    killed = stack.kill_program("gateway-agent")
    revoke("user", before)
    until(lambda: refused(before), 15)
    assert stack.pid("gateway-agent") != killed
    revoke("user", after)
    until(lambda: refused(after), SECONDS)


def test_another_process_of_identity_is_asked_when_one_is_gone(stack, member, revoke):
    stack.scale("identity", "web", 2)
    try:
        one = member()
        stack.stop_program("identity-web-1")
        revoke("session", one)
        until(lambda: refused(one), SECONDS)
    finally:
        stack.scale("identity", "web", 1)


def test_a_gateway_without_an_agent_that_knows_nothing_changes_nothing(stack, member):
    one = member()
    stack.stop_program("gateway-agent")
    for name in map_files.NAMES:
        map_files.write(stack.home / "gateway" / "maps", name, {})
    kill_gateway(stack)
    answer = one.create()
    assert (answer.status_code, answer.json()["code"]) == (503, "revocation_unknown")
    assert answer.headers["Retry-After"] == "2"
    assert one.me() == 200
    stack.start_program("gateway-agent")
    stack.wait_ready()
    assert one.create().status_code == 201


def test_identity_and_gateway_agree_on_how_long_a_token_lives():
    assert ACCESS_TOKEN_LIFE.total_seconds() == LIFE_SECONDS
