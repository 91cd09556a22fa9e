"""Canaries: passwords, tokens and keys go through the whole system, and none of them is found where it could be read."""

import re
import uuid
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg import sql

from chassis.testing.batteries import services
from chassis.testing.waiting import wait_until

# One stack serves all tests that need a whole one.
pytestmark = pytest.mark.xdist_group("stack")

SERVICES = services(Path(__file__).parents[2])
BCRYPT = re.compile(r"\$2[abxy]\$[0-9]{2}\$")
# What others get to read: events, the audit log, what failed, answers kept for repetitions. Not even hashes belong there.
PUBLISHED = ("outbox", "audit_logs", "failed_messages", "idempotency_keys", "security_events")
PATIENCE = 30


def secret():
    return f"canary-{uuid.uuid4().hex}"


@dataclass
class Flight:
    """A client that remembers every secret it was given or made up."""

    stack: object
    paths: set[tuple[str, str]]
    canaries: dict[str, str] = field(default_factory=dict)
    answered: list[tuple[str, int]] = field(default_factory=list)

    @property
    def sends_letters(self):
        return "MAIL_URL" in self.stack.environment("identity")

    def knows(self, method, path):
        return (method, path) in self.paths

    def keep(self, name, value):
        self.canaries[f"{name} {len(self.canaries)}"] = value
        return value

    def keep_tokens(self, answer):
        """An access token is known by its signature."""
        document = answer.json()
        self.keep("access token", document["access_token"].rpartition(".")[2])
        if "refresh_token" in document:
            self.keep("refresh token", document["refresh_token"])
        if "device_token" in document:
            self.keep("device token", document["device_token"])
        return document

    def send(self, method, path, token=None, **options):
        headers = options.pop("headers", {})
        if token is not None:
            headers = {"Authorization": f"Bearer {token}", **headers}
        url = f"{self.stack.gateway_url}{path}"
        answer = requests.request(method, url, headers=headers, timeout=15, **options)
        self.answered.append((f"{method} {path}", answer.status_code))
        assert answer.status_code < 500, answer.text
        return answer

    def made(self, method, path, token=None, **options):
        answer = self.send(method, path, token, **options)
        assert answer.status_code in (200, 201, 202, 204), (method, path, answer.text)
        return answer

    def letter(self, address, page):
        """The one-time token in the newest unread letter that leads an address to a page; None where none are sent."""
        if not self.sends_letters:
            return None
        seen = set(self.canaries.values())

        def find():
            letters = sorted((self.stack.home / "mail").glob("*.eml"), reverse=True)
            for text in (letter.read_text() for letter in letters):
                token = re.search(rf"/{page}#token=([A-Za-z0-9_-]{{20,}})", text)
                if token and f"To: {address}" in text and token[1] not in seen:
                    return token[1]
            return None

        return self.keep("one-time token", wait_until(find, PATIENCE, what=f"a letter to {address}"))


@pytest.fixture(scope="module")
def flight(stack):
    paths = set()
    for service in SERVICES:
        document = requests.get(f"{stack.web_urls(service)[0]}/openapi.json", timeout=10).json()
        paths |= {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    return Flight(stack, paths)


@pytest.fixture(scope="module")
def people(flight):
    """Two companies whose founders have canaries for passwords."""

    def register(name):
        password = flight.keep("password", secret())
        domain = f"{name}-{uuid.uuid4().hex[:8]}.example"
        body = {
            "company": {"name": f"Company of {name}", "email": f"info@{domain}"},
            "user": {"email": f"{name}@{domain}", "password": password, "first_name": name, "last_name": "Canary"},
        }
        tokens = flight.keep_tokens(flight.made("POST", "/v1/auth/register", json=body))
        return {"email": body["user"]["email"], "password": password, **tokens}

    return register("ada"), register("grace")


@pytest.fixture(scope="module")
def flown(flight, people):
    """Everything that deals in secrets has been done once, rightly and wrongly; answers the flight."""
    ada, grace = people
    sign_in(flight, ada)
    ask_every_service(flight, ada)
    use_a_key(flight, ada)
    invite(flight, ada, grace)
    verify(flight, ada)
    change_password(flight, ada)
    reset_password(flight, ada)
    if flight.knows("POST", "/v1/auth/logout"):
        flight.made("POST", "/v1/auth/logout", ada["access_token"])
    return flight


def sign_in(flight, who):
    credentials = {"email": who["email"], "password": who["password"]}
    signed_in = flight.keep_tokens(flight.made("POST", "/v1/auth/login", json=credentials))
    wrong = {**credentials, "password": flight.keep("wrong password", secret())}
    assert flight.send("POST", "/v1/auth/login", json=wrong).status_code == 401
    # A field too many, a value in the wrong place, a document that breaks off: no complaint quotes what it is about.
    flight.send("POST", "/v1/auth/login", json={**credentials, who["password"]: 1, "company_id": who["password"]})
    broken = f'{{"email":"{who["email"]}","password":"{who["password"]}'
    flight.send("POST", "/v1/auth/login", data=broken, headers={"Content-Type": "application/json"})
    first = signed_in["refresh_token"]
    second = flight.keep_tokens(flight.made("POST", "/v1/auth/refresh", json={"refresh_token": first}))
    flight.keep_tokens(flight.made("POST", "/v1/auth/refresh", json={"refresh_token": second["refresh_token"]}))
    # A token that was used before its successor was used ends the session.
    assert flight.send("POST", "/v1/auth/refresh", json={"refresh_token": first}).status_code == 401
    flight.send("POST", "/v1/auth/refresh", json={"refresh_token": flight.keep("unknown refresh token", secret())})
    flight.send("GET", "/v1/customers", flight.keep("no token", secret()))


def ask_every_service(flight, who):
    """Each list of each service, with a token that is good and with one that is not, where it belongs and elsewhere."""
    forged = flight.keep("forged token", f"{secret()}.{secret()}.{secret()}")
    lists = [path for method, path in flight.paths if method == "GET" and path.startswith("/v1/") and "{" not in path]
    assert lists
    for path in lists:
        assert flight.send("GET", path, forged).status_code == 401
        assert flight.send("GET", f"{path}?access_token={forged}").status_code == 401
        flight.send("GET", path, who["access_token"])


def use_a_key(flight, who):
    token = who["access_token"]
    body = {"name": "Canary", "scopes": ["customers:read"]}
    once = {"Idempotency-Key": uuid.uuid4().hex}
    key = flight.made("POST", "/v1/api-keys", token, json=body, headers=once).json()
    flight.keep("API key", key["key"].split("_", 2)[2])
    assert flight.send("POST", "/v1/api-keys", token, json=body, headers=once).status_code == 409
    form = {"grant_type": "client_credentials", "client_id": key["prefix"], "client_secret": key["key"]}
    machine = flight.keep_tokens(flight.made("POST", "/v1/auth/token", data=form))["access_token"]
    credentials = flight.keep("credentials", b64encode(f"{key['prefix']}:{key['key']}".encode()).decode())
    basic = {"Authorization": f"Basic {credentials}"}
    flight.keep_tokens(flight.made("POST", "/v1/auth/token", data={"grant_type": form["grant_type"]}, headers=basic))
    wrong = {**form, "client_secret": flight.keep("wrong key", secret())}
    assert flight.send("POST", "/v1/auth/token", data=wrong).status_code == 401
    flight.send("POST", "/v1/auth/token", json=form)
    assert flight.made("GET", "/v1/customers", machine).status_code == 200
    assert flight.send("POST", "/v1/customers", machine, json={"name": "Refused"}).status_code == 403
    assert flight.send("GET", "/v1/customers", key["key"]).status_code == 401
    flight.made("DELETE", f"/v1/api-keys/{key['id']}", token, headers={"If-Match": '"1"'})
    assert flight.send("POST", "/v1/auth/token", data=form).status_code == 401


def invite(flight, who, other):
    """A new member with a password of their own, and one who has an account already and then switches to it."""
    if not flight.knows("POST", "/v1/invitations"):
        return
    newcomer = f"charles-{uuid.uuid4().hex[:8]}@canary.example"
    for address in (newcomer, other["email"]):
        invited = {"email": address, "role": "user"}
        invitation = flight.made("POST", "/v1/invitations", who["access_token"], json=invited).json()
        token = flight.letter(address, "invitations")
        # Too soon for a second letter, as a rule; the first one is void where it is sent.
        if flight.send("POST", f"/v1/invitations/{invitation['id']}/resend", who["access_token"]).ok:
            token = flight.letter(address, "invitations")
        password = other["password"] if address == other["email"] else flight.keep("password", secret())
        accepted = {"token": token or flight.keep("no one-time token", secret()), "password": password}
        names = {} if address == other["email"] else {"first_name": "Charles", "last_name": "Canary"}
        answer = flight.send("POST", "/v1/invitations/accept", json={**accepted, **names})
        assert (answer.status_code < 300) is (token is not None), answer.text
        if token is not None:
            flight.keep_tokens(answer)
    if flight.sends_letters:
        companies = flight.made("GET", "/v1/auth/companies", other["access_token"]).json()["data"]
        for company in companies:
            body, once = {"company_id": company["id"]}, {"Idempotency-Key": uuid.uuid4().hex}
            path = "/v1/auth/switch-company"
            flight.keep_tokens(flight.made("POST", path, other["access_token"], json=body, headers=once))
            assert flight.send("POST", path, other["access_token"], json=body, headers=once).status_code == 409


def verify(flight, who):
    if not flight.knows("POST", "/v1/auth/email/verification"):
        return
    token = flight.letter(who["email"], "verify-email")
    if token is not None:
        flight.made("POST", "/v1/auth/email/verify", json={"token": token})
    flight.send("POST", "/v1/auth/email/verify", json={"token": flight.keep("no one-time token", secret())})
    flight.send("POST", "/v1/auth/email/verification", who["access_token"])


def change_password(flight, who):
    if not flight.knows("POST", "/v1/auth/password"):
        return
    change = {"current_password": who["password"], "new_password": flight.keep("new password", secret())}
    wrong = {**change, "current_password": flight.keep("wrong password", secret())}
    assert flight.send("POST", "/v1/auth/password", who["access_token"], json=wrong).status_code in (401, 403, 422)
    flight.made("POST", "/v1/auth/password", who["access_token"], json=change)
    who["password"] = change["new_password"]
    again(flight, who)


def reset_password(flight, who):
    if not flight.knows("POST", "/v1/auth/password/forgot"):
        return
    flight.made("POST", "/v1/auth/password/forgot", json={"email": who["email"]})
    token = flight.letter(who["email"], "reset-password")
    reset = {"token": token or flight.keep("no one-time token", secret()), "new_password": secret()}
    flight.keep("new password", reset["new_password"])
    answer = flight.send("POST", "/v1/auth/password/reset", json=reset)
    assert (answer.status_code < 300) is (token is not None), answer.text
    if token is not None:
        who["password"] = reset["new_password"]
    again(flight, who)


def again(flight, who):
    """Sign in anew: a changed password makes the access tokens of before worthless."""
    credentials = {"email": who["email"], "password": who["password"]}
    who.update(flight.keep_tokens(flight.made("POST", "/v1/auth/login", json=credentials)))


def databases(stack):
    return {service: stack.database_url(service, "superuser") for service in SERVICES}


@pytest.fixture(scope="module")
def rows(flown, stack):
    """Every row of every table of every database once all letters and events have gone out: (service, table, text)."""
    found = []
    with psycopg.connect(stack.database_url("audit", "superuser"), autocommit=True) as audit:
        for service, url in databases(stack).items():
            with psycopg.connect(url, autocommit=True) as connection:
                if service == "identity" and flown.sends_letters:
                    wait_until(lambda at=connection: no_letter_waits(at), PATIENCE)
                wait_until(lambda at=connection: all_recorded(at, audit), PATIENCE)
                found += [(service, table, text) for table, text in contents(connection)]
    return found


def no_letter_waits(connection):
    return connection.execute("SELECT count(*) FROM mails WHERE body IS NOT NULL").fetchone() == (0,)


def all_recorded(connection, audit):
    """Whether the audit service has a row for each event of the outbox."""
    events = [event_id for (event_id,) in connection.execute("SELECT event_id FROM outbox").fetchall()]
    known = audit.execute("SELECT count(*) FROM audit_logs WHERE event_id = ANY (%s)", (events,)).fetchone()
    return known == (len(events),)


def contents(connection):
    """Every row of every table as text, binary columns as the text that they are or in hexadecimal."""
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    for (table,) in connection.execute(names).fetchall():
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            columns = [column.name for column in cursor.description]
            for row in cursor.fetchall():
                # The one place where a bcrypt hash belongs.
                shown = [
                    (name, value)
                    for name, value in zip(columns, row, strict=True)
                    if (table, name) != ("users", "password_hash")
                ]
                yield table, " ".join(f"{name}={readable(value)}" for name, value in shown)


def readable(value):
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        return f"{raw.decode('utf-8', 'replace')} {raw.hex()}"
    return str(value)


def test_the_flight_took_every_route_that_there_is_for_secrets(flown):
    flown_routes = {route.partition("?")[0] for route, _ in flown.answered}
    told = {"login", "register", "refresh", "token"}
    assert {f"POST /v1/auth/{name}" for name in told} <= flown_routes
    assert len(flown.canaries) >= 15


def test_no_canary_is_in_any_row_of_any_database(flown, people, rows):
    assert {table for _, table, _ in rows} >= {"outbox", "audit_logs", "users", "api_keys", "idempotency_keys"}
    # What is no secret is found, in binary columns too.
    assert {table for _, table, text in rows if people[0]["email"] in text} >= {"outbox", "audit_logs", "users"}
    assert [
        (name, service, table)
        for name, canary in flown.canaries.items()
        for service, table, text in rows
        if canary in text or canary.encode().hex() in text
    ] == []


def test_no_hash_of_a_secret_is_in_what_others_read(flown, rows):
    hashes = {name: sha256(canary.encode()).hexdigest() for name, canary in flown.canaries.items()}
    published = [(service, table, text) for service, table, text in rows if table in PUBLISHED]
    assert {"outbox", "audit_logs"} <= {table for _, table, _ in published}
    assert [
        (name, service, table)
        for name, digest in hashes.items()
        for service, table, text in published
        if digest in text
    ] == []
    assert [(service, table) for service, table, text in rows if BCRYPT.search(text)] == []


def test_no_canary_and_no_hash_is_in_any_log(flown, rows, stack):
    logs = [path for path in (stack.home / "logs").rglob("*") if path.is_file()]
    texts = {path.name: path.read_text(errors="replace") for path in logs}
    assert any("/v1/api-keys" in text for text in texts.values())
    assert [
        (name, log) for name, canary in flown.canaries.items() for log, text in texts.items() if canary in text
    ] == []
    assert [log for log, text in texts.items() if BCRYPT.search(text)] == []


def test_denials_and_uses_of_keys_have_reached_the_audit_log(flown, people, stack):
    company_id = people[0]["company"]["id"]
    with psycopg.connect(stack.database_url("audit", "superuser"), autocommit=True) as audit:
        recorded = audit.execute(
            "SELECT event_type, new_values ->> 'kind' FROM audit_logs WHERE company_id = %s", (company_id,)
        ).fetchall()
    assert {"crm.access.denied.v1", "crm.api_key.created.v1", "crm.api_key.revoked.v1"} <= {
        name for name, _ in recorded
    }
    assert {"api_key_used", "api_key_refused"} <= {kind for _, kind in recorded}
