"""Who is refused is in the audit log's reach: one event per caller, route and minute, and never a failure more."""

import orjson
import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from chassis.web.denials import QUIET_SECONDS, Denials


@pytest.fixture
def noted(published):
    """The denials that the tenant's outbox holds."""
    return lambda: published(event_type="crm.access.denied.v1")


@pytest.fixture
def reader(client_of, company_id):
    return client_of(company_id, "books:read")


@pytest.fixture
def application(application_of):
    """An application of each test's own: what was recorded of late is remembered by the process."""
    return application_of("sample")


def test_a_refusal_is_published_as_its_contract_says(reader, noted, company_id, contracts, validate_event):
    headers = {"User-Agent": "curl/7.88.1", "X-Request-Id": "request-of-a-denial"}
    assert reader.post("/v1/shelves", json={"name": "Poetry"}, headers=headers).status_code == 403
    (event,) = noted()
    validate_event(event)
    example = orjson.loads(contracts.example(event["type"]))
    denial = event["data"]["after"]
    assert denial.keys() == example["data"]["after"].keys()
    assert denial["route"] == "POST /v1/shelves"
    assert (denial["user_id"], denial["role"], denial["code"]) == (7, "admin", "permission_missing")
    assert (event["source"], event["companyid"], event["actor"]) == ("sample", company_id, "7")
    assert (event["correlationid"], event["useragent"]) == ("request-of-a-denial", "curl/7.88.1")
    assert event["subject"] == f"access_denials/{denial['id']}"
    assert reader.token not in orjson.dumps(event).decode()


def test_who_hammers_a_closed_door_writes_one_event(reader, noted):
    assert {reader.delete(f"/v1/shelves/{number}", version=1).status_code for number in range(1, 30)} == {403}
    assert [event["data"]["after"]["route"] for event in noted()] == ["DELETE /v1/shelves/{shelf_id}"]


def test_another_route_and_another_caller_are_told_apart(application, tokens, reader, noted, company_id):
    other = Client(application.test_client(), tokens.sign(company_id=company_id, sub="8", scope=""))
    for client in (reader, other):
        client.post("/v1/shelves", json={})
        client.delete("/v1/shelves/1", version=1)
    assert len(noted()) == 4


def test_a_minute_later_it_is_noted_again(reader, noted, monkeypatch):
    assert QUIET_SECONDS == 60
    reader.post("/v1/shelves", json={})
    monkeypatch.setattr("chassis.web.denials.QUIET_SECONDS", 0.0)
    reader.post("/v1/shelves", json={})
    assert len(noted()) == 2


def test_no_refusal_without_a_good_token_is_noted(application, noted):
    stranger = Client(application.test_client(), "not.a.token")
    assert stranger.get("/v1/shelves").status_code == 401
    assert noted() == []


def test_what_is_allowed_leaves_no_denial(client, noted):
    assert client.get("/v1/shelves").status_code == 200
    assert client.get("/v1/shelves/999999999").status_code == 404
    assert noted() == []


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(application, reader, noted, capfd):
    application.denials = Denials(Database("postgresql://nobody@127.0.0.1:1/nothing"), "sample")
    answers = [reader.post("/v1/shelves", json={"name": "Poetry"}) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {403}
    assert noted() == []
    assert capfd.readouterr().out.count("denial_not_recorded") == 1


def test_what_is_remembered_is_bounded(urls, tokens, application, monkeypatch):
    monkeypatch.setattr("chassis.web.denials.MOST_REMEMBERED", 3)
    for user_id in range(1, 10):
        client = Client(application.test_client(), tokens.sign(sub=str(user_id), scope=""))
        assert client.get("/v1/shelves").status_code == 403
    assert len(application.denials._noted) == 3


def test_the_service_cannot_read_what_it_recorded(urls):
    with psycopg.connect(urls.app) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM outbox")
