"""Accounts through the gateway: letters that arrive, and sign-ins that slow nobody down."""

import json
import random
import re
import statistics
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

from chassis.testing.waiting import wait_until

pytestmark = pytest.mark.xdist_group("stack")

FEWEST_ROUNDS, MOST_ROUNDS = 3, 15
REQUESTS = 200
SIGN_INS = 20
# What the p99 under load may be of the idle one.
MOST_TIMES = 5


@pytest.fixture
def letter(guarded):
    """Wait for the newest letter to an address, whose subject is given, and answer the token in it."""

    def read(email, subject):
        def find():
            texts = [path.read_text() for path in sorted((guarded.home / "mail").glob("*.eml"))]
            return [text for text in texts if f"To: {email}\n" in text and f"Subject: {subject}\n" in text]

        return re.search(r"#token=(\S+)", wait_until(find, what=f"a letter to {email}")[-1])[1]

    return read


def test_a_new_user_verifies_their_address_and_sets_a_new_password_by_mail(guarded, register, letter):
    api = f"{guarded.gateway_url}/v1/auth"
    body, registered = register(f"{guarded.gateway_url}/v1")
    email = body["user"]["email"]
    token = letter(email, "Confirm your e-mail address")
    assert requests.post(f"{api}/email/verify", json={"token": token}, timeout=10).status_code == 204
    headers = {"Authorization": f"Bearer {registered['access_token']}"}
    assert requests.get(f"{api}/me", headers=headers, timeout=10).json()["user"]["is_verified"] is True
    assert requests.post(f"{api}/password/forgot", json={"email": email}, timeout=10).status_code == 202
    reset = {"token": letter(email, "Set a new password"), "new_password": "a quite new password"}
    assert requests.post(f"{api}/password/reset", json=reset, timeout=10).status_code == 204
    for password, status in ((body["user"]["password"], 401), (reset["new_password"], 200)):
        answer = requests.post(f"{api}/login", json={"email": email, "password": password}, timeout=10)
        assert answer.status_code == status


class SignIns:
    """Twenty people who sign in again and again, from anywhere, while this is entered."""

    def __init__(self, url, credentials):
        self._url, self._credentials = urlsplit(url), credentials
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(SIGN_INS)]
        self.done = 0

    def _run(self):
        headers = {"Content-Type": "application/json"}
        while not self._stop.is_set():
            # All of 127.0.0.0/8 is here, and one address may sign in ten times a minute.
            source = ".".join(("127", *(str(random.randrange(1, 255)) for _ in range(3))))
            connection = HTTPConnection(self._url.netloc, timeout=20, source_address=(source, 0))
            connection.request("POST", self._url.path, json.dumps(self._credentials), headers)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            assert answer.status in (200, 503), text
            self.done += answer.status == 200
            self._stop.wait(float(answer.headers.get("Retry-After", 0)))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        while not self.done:
            self._stop.wait(0.01)
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def p99(address, headers):
    """The 99th percentile of GET /v1/auth/me in seconds, one request after the other."""
    connection = HTTPConnection(address, timeout=20)
    taken = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("GET", "/v1/auth/me", headers=headers)
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - began)
        assert answer.status == 200, answer.getheaders()
    connection.close()
    return statistics.quantiles(taken, n=100)[98]


def test_sign_ins_do_not_slow_other_requests(guarded, register):
    """Twenty at a time at cost 12. Medians of the p99s of rounds, of more where the machine is busy with other things."""
    body, registered = register(f"{guarded.gateway_url}/v1")
    headers = {"Authorization": f"Bearer {registered['access_token']}"}
    credentials = {"email": body["user"]["email"], "password": body["user"]["password"]}
    address = urlsplit(guarded.gateway_url).netloc
    p99(address, headers)
    idle, busy = [], []
    for number in range(1, MOST_ROUNDS + 1):
        idle.append(p99(address, headers))
        with SignIns(f"{guarded.gateway_url}/v1/auth/login", credentials):
            busy.append(p99(address, headers))
        if number >= FEWEST_ROUNDS and statistics.median(busy) < MOST_TIMES * statistics.median(idle):
            return
    pytest.fail(f"p99 when idle: {idle}; with {SIGN_INS} people who sign in: {busy}")
