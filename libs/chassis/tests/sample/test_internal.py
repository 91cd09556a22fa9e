"""What other services are told of records: the documents of their events, to nobody without the services' key."""

from dataclasses import replace

import pytest

from chassis.web.application import ServiceApplication
from sample.app import SERVICE

KEY = "services-key-" + "k" * 32


@pytest.fixture(scope="module")
def services_app(application, database):
    return ServiceApplication(SERVICE, replace(application.config["SETTINGS"], service_key=KEY), database)


@pytest.fixture
def ask(services_app, company_id):
    """Ask as a service does; answers the document."""

    def question(of_company=company_id, **query):
        answer = services_app.test_client().get(
            f"/internal/books/{of_company}", query_string=query, headers={"Authorization": f"Bearer {KEY}"}
        )
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), answer.text
        return answer.json

    return question


@pytest.mark.parametrize("authorization", [None, "Bearer ", f"Bearer {KEY}x", f"Basic {KEY}", "Bearer None"])
def test_strangers_learn_nothing(services_app, client, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/internal/books/1", "/internal/user-purges/1"):
        answer = services_app.test_client().get(path, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_service_key")
        assert client.get(path).status_code == 401


def test_a_record_is_shown_as_the_last_event_showed_it(ask, client, create, published):
    book = create(price="12.30", tags=["verse"])
    assert client.delete(f"/v1/books/{book['id']}", version=1).status_code == 204
    event = published()[-1]
    assert event["type"] == "crm.book.archived.v1"
    assert ask(ids=book["id"]) == {"data": [event["data"]["after"]], "next": None}


def test_those_of_another_company_are_left_out(ask, create, company_id):
    book = create()
    assert ask(company_id + 10**9, ids=book["id"]) == {"data": [], "next": None}
    assert ask(company_id + 10**9) == {"data": [], "next": None}


def test_pages_hold_each_once(ask, create):
    made = [create()["id"] for _ in range(5)]
    sizes, found, after = [], [], 0
    while after is not None:
        page = ask(after=after, limit=2)
        found += [book["id"] for book in page["data"]]
        sizes.append(len(page["data"]))
        after = page["next"]
    assert (found, sizes) == (made, [2, 2, 1])


def test_how_far_a_purge_is_said_by_its_event(services_app, company_id, hear):
    user = {"first_name": "Former", "last_name": "user", "email": "", "is_active": False}
    event = hear("user_company.purged", 9, 3, before={"user_id": 9, "user": user}, transfer_to=None, activities="keep")

    def ask(event_id, company=company_id):
        headers = {"Authorization": f"Bearer {KEY}"}
        path = f"/internal/user-purges/{company}?event_id={event_id}"
        return services_app.test_client().get(path, headers=headers)

    assert ask(event.id).json["state"] == "working"
    assert ask(event.id, company_id + 10**9).json["state"] == "waiting"
    assert ask("nonsense").status_code == 400
