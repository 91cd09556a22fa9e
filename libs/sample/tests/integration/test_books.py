"""Books are where their shelf is, and what the rules say becomes of them."""

import pytest


def test_a_book_is_put_on_a_live_shelf_alone(client, shelf, create):
    book = create(author_id=None, price="9.90", tags=["verse"])
    assert (book["status"], book["price"], book["created_by"]) == ("present", "9.90", 7)
    unknown = client.post("/v1/books", json={"shelf_id": 999_999_999, "title": "Notes"})
    assert (unknown.status_code, unknown.json["code"]) == (422, "unknown_shelf")
    assert client.delete(f"/v1/shelves/{shelf['id']}", version=1).status_code == 204
    archived = client.post("/v1/books", json={"shelf_id": shelf["id"], "title": "Notes"})
    assert (archived.status_code, archived.json["code"]) == (409, "shelf_archived")
    assert client.post(f"/v1/books/{book['id']}/restore").json["code"] == "shelf_archived"


@pytest.mark.parametrize(("way", "refused"), [(("lost", "lent"), True), (("lost", "present", "lent"), False)])
def test_a_lost_book_is_found_before_it_is_lent(client, create, way, refused):
    book = create()
    for version, status in enumerate(way, 1):
        answer = client.patch(f"/v1/books/{book['id']}", json={"status": status}, version=version)
    assert (answer.status_code, answer.json.get("code")) == ((409, "book_lost") if refused else (200, None))


def test_of_two_shelves_of_one_name_there_is_one(client, shelf):
    answer = client.post("/v1/shelves", json={"name": shelf["name"]})
    assert (answer.status_code, answer.json["code"]) == (409, "shelf_exists")
