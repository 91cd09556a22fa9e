"""What the gateways' agents are told: everything, then what has changed, and nothing lost between two questions."""

import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import psycopg
import pytest
import structlog

from chassis.config import SettingsError
from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.testing.fixtures import DatabaseUrls
from chassis.testing.waiting import wait_until
from chassis.web.application import ServiceApplication
from identity.app import SERVICE
from identity.commands import revocations
from identity.keys import IdentitySettings
from identity.queries.revocations import HORIZON, list_revocations
from identity.wsgi import trust_own_keys

KEY = "agents-key-" + "k" * 32
PATH = "/internal/revocations"
REVOKE = """
    INSERT INTO revocations (kind, key, value) VALUES (%s, %s, %s) ON CONFLICT (kind, key) DO UPDATE
    SET value = excluded.value, changed_in = pg_current_xact_id()::text::bigint, changed_at = now()
"""


@pytest.fixture(scope="module")
def agents_app(settings: IdentitySettings, database: Database) -> Any:
    return ServiceApplication(SERVICE, replace(settings, gateway_agent_key=KEY), database)


@pytest.fixture
def ask(agents_app: ServiceApplication) -> Any:
    """Ask as an agent does; answers the document."""

    def question(after: str | None = None) -> Any:
        query = {} if after is None else {"after": after}
        answer = agents_app.test_client().get(PATH, query_string=query, headers={"Authorization": f"Bearer {KEY}"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.json

    return question


@pytest.fixture
def another(urls: DatabaseUrls) -> Any:
    """A connection whose transaction the test commits when it likes."""
    with psycopg.connect(urls.superuser) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", KEY, "ß"]
)
def test_strangers_learn_nothing(agents_app: ServiceApplication, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = agents_app.test_client().get(PATH, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_agent_key")


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer", "Bearer None"])
def test_without_a_key_in_the_settings_nobody_gets_in(http: Any, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    assert http.get(PATH, headers=headers).status_code == 401


def test_answers_to_agents_do_not_bury_the_log_and_refusals_are_seen(agents_app: ServiceApplication) -> None:
    with structlog.testing.capture_logs() as lines:
        for key in (KEY, "wrong"):
            agents_app.test_client().get(PATH, headers={"Authorization": f"Bearer {key}"})
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["status"], line["log_level"]) for line in requests] == [(200, "debug"), (401, "info")]
    assert KEY not in str(lines)


def test_a_token_of_a_user_is_no_agents_key(http: Any, register: Callable[..., Any]) -> None:
    assert http.get(PATH, headers=register().headers).status_code == 401


def test_a_key_that_could_be_guessed_is_refused_at_the_start(settings: IdentitySettings, database: Database) -> None:
    app = ServiceApplication(SERVICE, replace(settings, gateway_agent_key="k" * 31), database)
    with pytest.raises(SettingsError, match="GATEWAY_AGENT_KEY is shorter"):
        trust_own_keys(app)


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "9" * 19, "9" * 20, "1;", "%00"])
def test_a_cursor_that_is_none_is_refused(agents_app: ServiceApplication, after: str) -> None:
    answer = agents_app.test_client().get(
        PATH, query_string={"after": after}, headers={"Authorization": f"Bearer {KEY}"}
    )
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor")


def test_all_that_commands_revoke_is_told(
    ask: Callable[..., Any], register: Callable[..., Any], database: Database, superuser: psycopg.Connection
) -> None:
    ann, sid = register(), str(uuid.uuid4())
    cursor = ask()["cursor"]
    with acting_as(Context(company_id=ann.company_id)), database.transaction() as session:
        revocations.revoke_user(session, ann.user_id)
        revocations.revoke_session(session, sid)
        revocations.close_company(session, ann.company_id)
    for told in (ask(cursor), ask()):
        assert told["users"][str(ann.user_id)] == 2
        assert sid in told["sessions"]
        assert told["companies"][str(ann.company_id)] is True
    cursor = ask()["cursor"]
    with acting_as(Context(company_id=ann.company_id)), database.transaction() as session:
        revocations.open_company(session, ann.company_id)
    assert ask(cursor)["companies"] == {str(ann.company_id): False}


def test_what_an_idle_system_is_told_since_then_is_nothing(
    ask: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    superuser.execute(REVOKE, ("session", str(uuid.uuid4()), 1))
    nothing = {"cursor": "", "users": {}, "sessions": [], "companies": {}}
    # The server is not idle as long as a transaction of other tests is open, and tells once more what came meanwhile.
    wait_until(lambda: ask(ask()["cursor"]) | {"cursor": ""}, 20, so=lambda told: told == nothing)


def test_a_commit_that_comes_late_is_not_missed(
    ask: Callable[..., Any], superuser: psycopg.Connection, another: psycopg.Connection
) -> None:
    """The slow transaction has the lower id; the quick one is told, and with it a cursor, before the slow one commits."""
    slow, quick = str(uuid.uuid4()), str(uuid.uuid4())
    cursor = ask()["cursor"]
    another.execute(REVOKE, ("session", slow, 1))
    superuser.execute(REVOKE, ("session", quick, 1))
    told = ask(cursor)
    assert quick in told["sessions"]
    assert slow not in told["sessions"]
    another.commit()
    assert slow in ask(told["cursor"])["sessions"]


def test_a_transaction_that_began_before_and_writes_afterwards_is_not_missed(
    ask: Callable[..., Any], superuser: psycopg.Connection, another: psycopg.Connection
) -> None:
    late = str(uuid.uuid4())
    another.execute("SELECT pg_current_xact_id()")
    superuser.execute(REVOKE, ("session", str(uuid.uuid4()), 1))
    told = ask(ask()["cursor"])
    another.execute(REVOKE, ("session", late, 1))
    another.commit()
    assert late in ask(told["cursor"])["sessions"]


def test_a_cursor_of_a_database_that_was_restored_since_gets_everything(
    ask: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    sid = str(uuid.uuid4())
    superuser.execute(REVOKE, ("session", sid, 1))
    future = str(int(ask()["cursor"]) + 10**6)
    assert sid in ask(future)["sessions"]


def test_what_no_living_token_is_about_is_not_told(ask: Callable[..., Any], superuser: psycopg.Connection) -> None:
    number, sid = uuid.uuid4().int % 10**9 + 10**9, str(uuid.uuid4())
    for kind, key in (("user", str(number)), ("session", sid), ("company", str(number)), ("company", str(number + 1))):
        superuser.execute(REVOKE, (kind, key, 1))
    superuser.execute(REVOKE, ("company", str(number + 1), 0))
    age = "UPDATE revocations SET changed_at = now() - %s - interval '1 s' WHERE key IN (%s, %s, %s)"
    superuser.execute(age, (HORIZON, str(number), sid, str(number + 1)))
    told = ask()
    assert str(number) not in told["users"]
    assert sid not in told["sessions"]
    # However long a company has been closed, its next token would be refused too.
    assert told["companies"].get(str(number)) is True
    assert str(number + 1) not in told["companies"]


def test_asking_twice_a_second_costs_next_to_nothing(database: Database, superuser: psycopg.Connection) -> None:
    superuser.execute(
        "INSERT INTO revocations (kind, key, value) SELECT 'session', gen_random_uuid(), 1 FROM generate_series(1, 5000)"
    )
    inserted: int = superuser.execute("SELECT max(changed_in) FROM revocations").fetchone()[0]  # type: ignore[index]  # One row.
    superuser.execute("ANALYZE revocations")
    with database.session() as session:
        # What is newer than the server's oldest open transaction is told again, and tests beside this one have theirs.
        after = wait_until(
            lambda: int(orjson.loads(list_revocations(session, None))["cursor"]),
            60,
            so=lambda cursor: cursor > inserted,
        )
        spent = []
        for _ in range(100):
            began = time.perf_counter()
            list_revocations(session, after)
            spent.append((time.perf_counter() - began) * 1000)
    superuser.execute("DELETE FROM revocations WHERE kind = 'session'")
    assert statistics.median(spent) < 2, spent


def test_after_a_restoration_the_tokens_of_everybody_are_told(
    register: Callable[..., Any], database: Database, urls: DatabaseUrls
) -> None:
    """Also of who was revoked before, and of who signs in after a revocation that the backup does not know."""
    ann, bob = register(), register()
    with acting_as(Context(company_id=bob.company_id)), database.transaction() as session:
        revocations.revoke_user(session, bob.user_id)
    owner = Database(urls.owner)
    # Rolled back, so that the tokens of other tests stay good.
    with acting_as(Context(request_id="heal")), owner.session() as session:
        assert revocations.revoke_everybody(session, 1_000) >= 2
        told = orjson.loads(list_revocations(session, None))["users"]
        session.rollback()
    owner.dispose()
    assert told[str(ann.user_id)] > 1_000
    assert told[str(bob.user_id)] == told[str(ann.user_id)] + 1
