"""What of a record is answered: the fields that are asked for, and who they are whom it names."""

import pytest

from chassis.db.session import Session
from sample.schemas.books import BookOut

SCOPE = "shelves:write books:read books:write books:export members:read"
ADA = {"id": 7, "name": "User 7", "is_active": True}
BOB = {"id": 8, "name": "User 8", "is_active": False}


@pytest.fixture
def client(client_of, company_id, known):
    """Who may know the members of the company, who are Ada and Bob."""
    known(7, 8)
    return client_of(company_id, SCOPE)


@pytest.fixture
def leave(superuser, company_id):
    """Let Bob leave the company."""
    query = "UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = 8"
    return lambda: superuser.execute(query, (company_id,))


@pytest.fixture
def place(create):
    return f"/v1/books/{create(title='Notes', notes='On the engine')['id']}"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("title,notes", {"title": "Notes", "notes": "On the engine"}),
        ("notes,title,notes", {"notes": "On the engine", "title": "Notes"}),
        ("price", {"price": None}),
    ],
)
def test_a_record_has_the_fields_that_are_asked_for_in_their_order(client, place, asked, shown):
    answer = client.get(f"{place}?fields={asked}")
    assert list(answer.json.items()) == list(shown.items())
    assert answer.headers["ETag"] == '"1"'


def test_who_has_this_version_has_its_fields(client, place):
    assert client.get(f"{place}?fields=title", headers={"If-None-Match": '"1"'}).status_code == 304
    assert client.patch(place, json={"notes": "x"}, version=1).status_code == 200
    seen = client.get(f"{place}?fields=notes", headers={"If-None-Match": '"1"'})
    assert (seen.status_code, seen.json) == (200, {"notes": "x"})


@pytest.mark.parametrize("asked", ["", "titel", "title,", "expanded", "company_id ", "title%00", "*"])
def test_what_is_no_field_is_refused_by_its_name(client, place, asked):
    answer = client.get(f"{place}?fields={asked}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
    assert [error["code"] for error in answer.json["errors"]] == ["unknown_fields"]


def test_fields_are_named_once_as_in_a_list(client, place):
    for path in (place, "/v1/books"):
        answer = client.get(f"{path}?fields=title&fields=notes")
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
        assert [error["code"] for error in answer.json["errors"]] == ["repeated_parameter"]


def test_a_parameter_is_known_however_it_is_spelled(client, place):
    shown = ["created_by", "expanded", "id"]
    assert sorted(client.get(f"{place}?%66ields=id,created_by&ex%70and=created_by").json) == shown
    (listed,) = client.get("/v1/books?f%69elds=id,created_by&%65xpand=created_by").json["data"]
    assert sorted(listed) == shown
    assert client.get(f"{place}?fields=id&expand=created_by").status_code == 400


def test_a_record_that_is_not_there_is_still_not_there(client):
    assert client.get("/v1/books/999999999?fields=title").status_code == 404


def test_a_change_answers_with_the_whole_record(client, place):
    assert len(client.patch(f"{place}?fields=title", json={"notes": "x"}, version=1).json) > 1


def test_a_record_says_whom_it_names(client, create, leave):
    book = create(assigned_to=8)
    leave()
    place = f"/v1/books/{book['id']}"
    answer = client.get(f"{place}?expand=assigned_to,created_by")
    assert answer.json == {**book, "expanded": {"assigned_to": BOB, "created_by": ADA}}
    assert BookOut().validate(answer.json) == {}
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"1"', "no-store")
    assert client.get(place).json == book


def test_an_answer_with_names_is_never_not_modified(client, place):
    """The name may have changed where the record has not."""
    seen = {"headers": {"If-None-Match": '"1"'}}
    assert client.get(place, **seen).status_code == 304
    assert client.get(f"{place}?expand=created_by", **seen).json["expanded"] == {"created_by": ADA}


def test_a_page_costs_one_statement_more_however_long_it_is(client, create, monkeypatch):
    create()
    for _ in range(4):
        create(assigned_to=8)
    sent = []
    real = Session.fetch

    def fetch(session, statement, **parameters):
        sent.append(statement.sql)
        return real(session, statement, **parameters)

    monkeypatch.setattr(Session, "fetch", fetch)
    plain = client.get("/v1/books?limit=3").json
    alone, sent[:] = len(sent), []
    answer = client.get("/v1/books?limit=3&expand=assigned_to")
    assert len(sent) == alone + 1
    assert [record["expanded"]["assigned_to"]["name"] for record in answer.json["data"]] == ["User 8"] * 3
    assert [{**record, "expanded": None} for record in plain["data"]] == [
        {**record, "expanded": None} for record in answer.json["data"]
    ]
    assert "expand=assigned_to" in answer.headers["Link"]
    following = client.get(f"/v1/books?limit=3&expand=assigned_to&cursor={answer.json['page']['next_cursor']}")
    assert [record["expanded"]["assigned_to"] for record in following.json["data"]][-1] is None


@pytest.mark.parametrize(
    "query",
    ["expand=", "expand=title", "expand=assigned_to,title", "fields=id&expand=assigned_to", "expand=a&expand=b"],
)
def test_what_cannot_be_expanded_is_refused(client, place, query):
    for path in ("/v1/books", place):
        answer = client.get(f"{path}?{query}")
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
        assert answer.json["errors"][0]["pointer"] == "expand"


def test_an_export_has_ids_alone(client):
    assert client.get("/v1/books/export.csv?expand=assigned_to").json["code"] == "invalid_query"


def test_who_may_not_know_the_members_is_told_no_names(client_of, company_id):
    stranger = client_of(company_id)
    answer = stranger.get("/v1/books?expand=assigned_to")
    assert (answer.status_code, answer.json["code"]) == (403, "permission_missing")
    assert stranger.get("/v1/books").status_code == 200
