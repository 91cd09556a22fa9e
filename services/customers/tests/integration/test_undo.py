"""Undoing a merge leaves nothing of it behind, in whatever order, and gives nobody what they may not have."""

import pytest


def of(client, customer):
    return client.get(f"/v1/customers/{customer['id']}").json


def contact_of(client, customer, **values):
    path = f"/v1/customers/{customer['id']}/contacts"
    return client.post(path, json={"first_name": "Grace"} | values).json["id"]


def undo(client, done):
    return client.post(f"/v1/customers/merges/{done.json['merge']['id']}/undo")


def test_undoing_gives_back_the_primary_contact_and_who_was_archived_since(client, create, merge):
    target, source = create(client), create(client)
    kept = contact_of(client, target, is_primary=True)
    primary, archived = contact_of(client, source, is_primary=True), contact_of(client, source)
    done = merge(client, target, source)
    assert [client.get(f"/v1/contacts/{known}").json["is_primary"] for known in (kept, primary)] == [True, False]
    assert client.delete(f"/v1/contacts/{archived}", version=2).status_code == 204
    assert undo(client, done).status_code == 200
    people = [client.get(f"/v1/contacts/{known}").json for known in (kept, primary, archived)]
    assert [person["customer_id"] for person in people] == [target["id"], source["id"], source["id"]]
    assert [person["is_primary"] for person in people] == [True, True, False]
    assert people[2]["archived_at"] is not None


def test_undoing_takes_the_tags_that_the_merge_brought_and_leaves_those_of_others(client, create, merge):
    target, source = create(client, tags=["a"]), create(client, tags=["b"])
    done = merge(client, target, source)
    client.post(f"/v1/customers/{target['id']}/tags", json={"tags": ["c"]})
    assert of(client, target)["tags"] == ["a", "b", "c"]
    assert undo(client, done).status_code == 200
    assert (of(client, target)["tags"], of(client, source)["tags"]) == (["a", "c"], ["b"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_merges_of_different_fields_are_undone_in_any_order(client, order, create, merge):
    target = create(client, tags=["a"])
    first = create(client, email="first@example.com", tags=["b"])
    second = create(client, city="Rome", tags=["c"])
    done = [merge(client, target, first), merge(client, target, second, version=2)]
    for number in order:
        assert undo(client, done[number]).status_code == 200
    now = of(client, target)
    assert (now["email"], now["city"], now["tags"]) == (None, None, ["a"])
    assert [of(client, source)["merged_into"] for source in (first, second)] == [None, None]


def test_what_a_later_merge_has_changed_again_is_undone_after_it(client, create, merge):
    """Undone the other way round, the target would keep what the first source had, whom nobody merges any more."""
    target, first, second = (create(client, city=city) for city in ("Paris", "Rome", "Oslo"))
    done = [
        merge(client, target, first, fields={"city": first["id"]}),
        merge(client, target, second, fields={"city": second["id"]}, version=2),
    ]
    refused = undo(client, done[0])
    assert (refused.status_code, refused.json["code"]) == (409, "merged_again")
    assert str(done[1].json["merge"]["id"]) in refused.json["detail"]
    assert of(client, first)["id"] == target["id"]
    assert [undo(client, one).status_code for one in reversed(done)] == [200, 200]
    assert of(client, target)["city"] == "Paris"


@pytest.fixture
def gone_user(superuser, company_id):
    """A user who is not active in the company any more; answers the id, and a function that gives them a customer."""
    superuser.execute("INSERT INTO user_refs (company_id, user_id, is_active) VALUES (%s, 90, false)", (company_id,))

    def own(customer):
        superuser.execute("UPDATE customers SET assigned_to = 90 WHERE id = %s", (customer["id"],))

    return own


def test_no_merge_gives_a_customer_to_somebody_inactive(client, gone_user, create, merge):
    target, source = create(client), create(client)
    gone_user(source)
    assert merge(client, target, source, path="merge/preview").json["changes"] == {}
    refused = merge(client, target, source, fields={"assigned_to": source["id"]})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/assigned_to")
    done = merge(client, target, source)
    assert (done.status_code, of(client, target)["assigned_to"]) == (200, None)


def test_no_undoing_gives_a_customer_to_somebody_inactive(client, gone_user, create, merge):
    target, source = create(client), create(client, assigned_to=7)
    gone_user(target)
    done = merge(client, target, source, fields={"assigned_to": source["id"]})
    assert of(client, target)["assigned_to"] == 7
    assert undo(client, done).status_code == 200
    assert of(client, target)["assigned_to"] == 7


def test_of_an_undoing_and_a_purge_at_once_one_wins(client_of, company_id, create, merge, at_once):
    client = client_of(company_id, scope="customers:read customers:write customers:purge")
    for _ in range(6):
        source, target = create(client), create(client)
        done = merge(client, target, source)
        answers = at_once(
            lambda d=done: undo(client_of(company_id), d),
            lambda t=target: client.post(f"/v1/customers/{t['id']}/purge", version=2),
        )
        # No 409: that would be two who have waited for each other until the database had enough.
        statuses = [answer.status_code for answer in answers]
        assert statuses in ([200, 204], [404, 204])
        assert client.get(f"/v1/customers/{source['id']}").status_code == statuses[0]


def test_no_undoing_changes_a_target_that_is_archived_by_now(client, create, merge):
    target, source = create(client), create(client, city="Rome")
    done = merge(client, target, source)
    assert client.delete(f"/v1/customers/{target['id']}", version=2).status_code == 204
    refused = undo(client, done)
    assert (refused.status_code, refused.json["code"]) == (409, "customer_archived")
    assert (of(client, target)["city"], of(client, target)["version"]) == ("Rome", 3)
    assert client.post(f"/v1/customers/{target['id']}/restore").status_code == 200
    assert undo(client, done).status_code == 200
    assert of(client, source)["id"] == source["id"]
