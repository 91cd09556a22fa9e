"""Signing keys change under load, and nobody whose token is good notices; a stolen key is worth nothing at once."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import jwt
import psycopg
import pytest
import requests

from chassis.testing.waiting import wait_until
from crm.errors import OperatorError

pytestmark = pytest.mark.xdist_group("stack")
RATE = 100
THREADS = 5


@pytest.fixture(scope="module")
def api(stack):
    return f"{stack.gateway_url}/v1"


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


def age_the_next_key(stack):
    """Make the next key old enough to sign; waiting for it would take three minutes."""
    with psycopg.connect(stack.database_url("identity", "superuser"), autocommit=True) as connection:
        connection.execute("UPDATE signing_keys SET created_at = created_at - interval '4 min' WHERE status = 'next'")


class Load:
    """A hundred requests a second with good tokens, old and new, reading and writing; every answer is counted."""

    def __init__(self, api, credentials, token):
        self.api, self.credentials = api, credentials
        self.tokens = [token]
        self.answers = Counter()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS)

    def __enter__(self):
        self._running = [self._pool.submit(self._work, number) for number in range(THREADS)]
        return self

    def __exit__(self, *_):
        self._stop.set()
        for one in self._running:
            one.result(30)
        self._pool.shutdown()

    def sign_in(self):
        answer = requests.post(f"{self.api}/auth/login", json=self.credentials, timeout=10)
        self.answers[answer.status_code, "login"] += 1
        self.tokens.append(answer.json()["access_token"])
        return self.tokens[-1]

    def _work(self, number):
        due, count = time.monotonic() + number / RATE, 0
        while not self._stop.wait(max(due - time.monotonic(), 0)):
            due, count = due + THREADS / RATE, count + 1
            headers = {"Authorization": f"Bearer {self.tokens[count % len(self.tokens)]}"}
            if count % 10 == 0:
                answer = requests.post(f"{self.api}/customers", json={"name": "Grace"}, headers=headers, timeout=10)
                self.answers[answer.status_code, "write"] += 1
            else:
                path = "customers?limit=1" if count % 2 else "auth/me"
                self.answers[requests.get(f"{self.api}/{path}", headers=headers, timeout=10).status_code, "read"] += 1


def test_no_good_token_is_refused_while_the_keys_are_rotated(stack, api, register):
    sent, registered = register(api)
    credentials = {"email": sent["user"]["email"], "password": sent["user"]["password"]}
    age_the_next_key(stack)
    with Load(api, credentials, registered["access_token"]) as load:
        wait_until(lambda: load.answers.total() > RATE, 20)
        old = kid_of(load.sign_in())
        rotation = stack.rotate_keys()
        assert rotation.retired == old
        # Each process of identity notices by itself: until the last one has, both keys sign.
        wait_until(lambda: {kid_of(load.sign_in()) for _ in range(10)} == {rotation.active}, 40, pause=0.2)
        so_far = load.answers.total()
        wait_until(lambda: load.answers.total() > so_far + 2 * RATE, 20)
    assert {(status, kind) for status, kind in load.answers} == {(200, "read"), (201, "write"), (200, "login")}
    assert {old, rotation.active} <= {kid_of(token) for token in load.tokens}
    published = requests.get(f"{stack.gateway_url}/.well-known/jwks.json", timeout=10).json()["keys"]
    assert {key["kid"] for key in published} == {rotation.retired, rotation.active, rotation.next}
    trusted = {path.stem for path in (stack.home / "gateway" / "keys").glob("*.pem")}
    assert trusted == {rotation.retired, rotation.active, rotation.next}
    statuses = {key.kid: key.status for key in stack.signing_keys()}
    assert [statuses[kid] for kid in (rotation.retired, rotation.active, rotation.next)] == [
        "retired",
        "active",
        "next",
    ]


def test_a_key_that_not_everybody_knows_is_not_let_sign(stack):
    age_the_next_key(stack)
    stack.rotate_keys()
    before = stack.signing_keys()
    with pytest.raises(OperatorError, match=r"only .* s old, and not everybody may know it yet; try again in"):
        stack.rotate_keys()
    assert stack.signing_keys() == before


def test_tokens_of_a_compromised_key_are_refused_at_once_and_a_refresh_brings_a_good_one(stack, api, register):
    active = next(key.kid for key in stack.signing_keys() if key.status == "active")
    made = []

    def signed_by_the_active_key():
        made.append(register(api)[1])
        return kid_of(made[-1]["access_token"]) == active

    # Another test may have rotated a moment ago.
    wait_until(signed_by_the_active_key, 40, pause=0.2)
    registered = made[-1]
    headers = {"Authorization": f"Bearer {registered['access_token']}"}
    assert requests.get(f"{api}/auth/me", headers=headers, timeout=10).status_code == 200
    rotation = stack.rotate_keys(compromised=True)
    assert rotation.retired == active
    assert requests.get(f"{api}/auth/me", headers=headers, timeout=10).status_code == 401
    for url in (stack.web_urls("customers")[0] + "/v1/customers", stack.web_urls("identity")[0] + "/v1/auth/me"):
        assert requests.get(url, headers=headers, timeout=10).status_code == 401

    refreshed = requests.post(f"{api}/auth/refresh", json={"refresh_token": registered["refresh_token"]}, timeout=10)
    token = refreshed.json()["access_token"]
    assert kid_of(token) == rotation.active
    created = requests.post(
        f"{api}/customers", json={"name": "Grace"}, headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert created.status_code == 201
    assert rotation.retired not in {path.stem for path in (stack.home / "gateway" / "keys").glob("*.pem")}
    assert "revoked" in {key.status for key in stack.signing_keys()}
