"""Duplicates and merges: found with a reason, merged by choice, undone within a month, never half-done."""

from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from chassis.context import Context, acting_as
from chassis.testing.waiting import wait_until
from customers.commands.contacts import MOST_OF_A_CUSTOMER
from customers.commands.customers import lock_creation
from customers.schemas.merges import CustomerMergeOut


def check(client, **values):
    return client.post("/v1/customers/duplicates/check", json=values).json


def test_duplicates_are_found_by_each_key_with_a_reason(client, create):
    ada = create(
        client, name="Müller GmbH", email="ada@muller.example", phone="+49 30 123456", website="muller.example"
    )
    for values, key in (
        ({"email": "ADA@muller.example"}, "email_norm"),
        ({"phone": "+49 (0)30 12 34 56"}, "phone_e164"),
        ({"name": "muller"}, "name_norm"),
        ({"website": "https://www.muller.example/about"}, "domain_norm"),
    ):
        found = check(client, **values)
        assert [candidate["customer"]["id"] for candidate in found["candidates"]] == [ada["id"]], values
        assert [reason["key"] for reason in found["candidates"][0]["reasons"]] == [key]
    several = check(client, email="ada@muller.example", name="Müller")["candidates"][0]
    assert several["score"] == 98
    assert [reason["key"] for reason in several["reasons"]] == ["email_norm", "name_norm"]


def test_a_free_mail_domain_an_archived_record_and_another_tenant_are_no_duplicates(
    client, client_of, company_id, create
):
    create(client, website="https://gmail.com")
    gone = create(client, email="gone@example.com")
    client.delete(f"/v1/customers/{gone['id']}", version=1)
    create(client_of(company_id + 10**9), email="other@example.com")
    for values in ({"website": "gmail.com"}, {"email": "gone@example.com"}, {"email": "other@example.com"}, {}):
        assert check(client, **values) == {"candidates": [], "hidden": 0}


def test_a_key_that_very_many_share_says_nothing(client, create):
    for _ in range(21):
        create(client, phone="+49 30 99999999")
    assert check(client, phone="+49 30 99999999")["candidates"] == []


def test_a_merge_takes_what_the_target_lacks_and_what_was_chosen(client, superuser, company_id, create, merge):
    target = create(client, name="Acme", city="Paris", tags=["a"])
    source = create(client, name="Acme Inc", city="Rome", email="info@acme.example", tags=["b", "a"])
    contact = client.post(f"/v1/customers/{source['id']}/contacts", json={"first_name": "Grace"}).json
    preview = merge(client, target, source, path="merge/preview").json
    assert preview["changes"] == {"email": "info@acme.example", "tags": ["a", "b"]}
    assert [offer["value"] for offer in preview["differences"]["city"]] == ["Paris", "Rome"]
    assert client.get(f"/v1/customers/{source['id']}").json["id"] == source["id"]
    answer = merge(client, target, source, fields={"name": source["id"], "city": source["id"]})
    assert answer.status_code == 200, answer.json
    merged = answer.json["customer"]
    assert (merged["name"], merged["city"], merged["email"]) == ("Acme Inc", "Rome", "info@acme.example")
    schema = CustomerMergeOut()
    assert schema.dump(schema.load(answer.json["merge"])) == answer.json["merge"]
    followed = client.get(f"/v1/customers/{source['id']}")
    assert followed.json == merged
    assert followed.headers["Content-Location"] == f"/v1/customers/{target['id']}"
    assert client.get(f"/v1/contacts/{contact['id']}").json["customer_id"] == target["id"]
    assert [row["id"] for row in client.get("/v1/customers").json["data"]] == [target["id"]]
    rows = superuser.execute(
        "SELECT type, aggregate_id, body FROM outbox WHERE company_id = %s AND type LIKE '%%customer.merged%%'",
        (company_id,),
    ).fetchall()
    assert [row[:2] for row in rows] == [("crm.customer.merged.v1", target["id"])]
    told = orjson.loads(rows[0][2])["data"]
    assert set(told["changed"]) == {"name", "city", "email", "tags"}
    assert told["sources"] == [source["id"]]


# The third has the name that the first gets from the second: with its company, or because that was chosen.
@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([("Ada", None), ("Grace", "Acme"), ("Ada", "Acme")], ()),
        ([("Ada", "Acme"), ("Grace", None), ("Grace", "Acme")], ("name",)),
    ],
)
def test_a_merge_that_gives_a_name_which_somebody_else_has_says_who(client, create, merge, *, names, chosen):
    target, source, third = (create(client, name=name, company_name=company) for name, company in names)
    answer = merge(client, target, source, fields=dict.fromkeys(chosen, source["id"]))
    assert (answer.status_code, answer.json["code"]) == (409, "customer_exists")
    assert f"Customer {third['id']} " in answer.json["detail"]
    assert client.get(f"/v1/customers/{source['id']}").json["archived_at"] is None


def test_a_merge_changes_what_its_preview_says_and_nothing_else(client, create, merge):
    target = create(client, city="Paris", status="lost", credit_limit="5.00", tags=["a"])
    first = create(client, city="Rome", email="info@acme.example", assigned_to=7, tags=["b"])
    second = create(client, city=None, email="other@acme.example", phone="+49 30 123456", credit_limit="9.00")
    choices = {"city": second["id"], "credit_limit": second["id"], "status": first["id"], "phone": target["id"]}
    preview = merge(client, target, first, second, fields=choices, path="merge/preview").json["changes"]
    merged = merge(client, target, first, second, fields=choices).json["customer"]
    changed = {name: value for name, value in merged.items() if value != target[name]}
    assert {name for name in changed if name not in preview} == {"version", "updated_at"}
    assert {name: changed[name] for name in preview} == preview
    assert preview == {
        "city": None,
        "credit_limit": "9.00",
        "status": "active",
        "email": "info@acme.example",
        "assigned_to": 7,
        "tags": ["a", "b"],
    }


def test_a_merge_says_no_tag_and_no_number_twice(client, create, merge):
    target = create(client, phone="+49 30 2000010", tags=["VIP", "Łódź"])
    same = create(client, phone="0049 (0)30 200-0010", country="DE", tags=["vip", "łódź", " Vip ", "new"])
    other = create(client, phone="+49 30 2000010 ext. 7", tags=["New"])
    merged = merge(client, target, same, other).json["customer"]
    assert merged["tags"] == ["VIP", "Łódź", "new"]
    assert (merged["phone"], merged["secondary_phone"]) == ("+49 30 2000010", "+49 30 2000010 ext. 7")
    [done] = client.get("/v1/customers/merges").json["data"]
    assert client.post(f"/v1/customers/merges/{done['id']}/undo").status_code == 200
    assert client.get(f"/v1/customers/{target['id']}").json["tags"] == ["VIP", "Łódź"]


def test_what_was_merged_goes_on_to_find_the_survivor(client, create, merge):
    target = create(client, name="Ines Falk", email="ines@example.com", phone="+49 30 70010", notes="likes tea")
    second = create(client, name="Ines Lund", email="i.lund@example.org", phone="+49 171 700200", notes="eats no nuts")
    third = create(client, name="I. Falk-Lund", email="falk@example.net", website="https://falk-lund.example")
    second = merge(client, second, third).json["customer"]
    done = merge(client, target, second).json
    survivor = client.get(f"/v1/customers/{target['id']}").json
    assert survivor["notes"] == "likes tea\n\neats no nuts"
    assert survivor["secondary_phone"] == "+49 171 700200"
    for values in (
        {"email": "I.Lund@example.org"},
        {"email": "falk@example.net"},
        {"phone": "0171 700200", "name": "Ines Lund"},
        {"phone": "+49 171 700 200"},
        {"website": "falk-lund.example/team"},
        {"name": "ines lund"},
    ):
        assert [one["customer"]["id"] for one in check(client, **values)["candidates"]] == [target["id"]], values
    assert client.post(f"/v1/customers/merges/{done['merge']['id']}/undo").status_code == 200
    again = client.get(f"/v1/customers/{target['id']}").json
    assert (again["notes"], again["secondary_phone"]) == ("likes tea", None)
    for email in ("i.lund@example.org", "falk@example.net"):
        assert [one["customer"]["id"] for one in check(client, email=email)["candidates"]] == [second["id"]]


def test_an_import_finds_the_survivor_by_the_address_of_what_was_merged(client, create, merge, imports):
    target = create(client, name="Tom Ott", email="tom@example.com")
    source = create(client, name="Thomas Ott", email="t.ott@example.org")
    merge(client, target, source)
    rows = (("Tom Ott", "T.Ott@example.org", "Bonn"), ("Tom Ott", "tom@example.com", "Bern"))
    done = imports.run(imports.table(("Name", "Email", "City"), *rows), mode="upsert", match_by="email")
    assert (done["created_rows"], done["updated_rows"], done["failed_rows"]) == (0, 1, 1)
    assert client.get(f"/v1/customers/{target['id']}").json["city"] == "Bonn"


def test_undoing_brings_back_everything_but_what_was_changed_since(client, create, merge):
    target = create(client, name="Acme", city="Paris")
    source = create(client, name="Acme Inc", email="info@acme.example", country="France")
    contact = client.post(f"/v1/customers/{source['id']}/contacts", json={"first_name": "Grace"}).json
    done = merge(client, target, source, fields={"name": source["id"]}).json
    client.patch(f"/v1/customers/{target['id']}", json={"country": "Italy"}, version=2)
    undone = client.post(f"/v1/customers/merges/{done['merge']['id']}/undo")
    assert undone.status_code == 200, undone.json
    now = client.get(f"/v1/customers/{target['id']}").json
    assert (now["name"], now["email"], now["country"]) == ("Acme", None, "Italy")
    back = client.get(f"/v1/customers/{source['id']}").json
    assert (back["id"], back["archived_at"], back["merged_into"]) == (source["id"], None, None)
    assert client.get(f"/v1/contacts/{contact['id']}").json["customer_id"] == source["id"]
    assert client.post(f"/v1/customers/merges/{done['merge']['id']}/undo").json["code"] == "merge_undone"


def test_a_merge_cannot_be_undone_after_a_month(client, superuser, create, merge):
    target, source = create(client), create(client)
    merge_id = merge(client, target, source).json["merge"]["id"]
    superuser.execute("UPDATE customer_merges SET created_at = now() - interval '31 days' WHERE id = %s", (merge_id,))
    assert client.post(f"/v1/customers/merges/{merge_id}/undo").json["code"] == "too_late"


def test_what_was_merged_can_be_neither_changed_nor_restored_nor_merged_again(client, create, merge):
    target, source, other = create(client), create(client), create(client)
    merge(client, target, source)
    path = f"/v1/customers/{source['id']}"
    assert client.patch(path, json={"city": "Rome"}, version=2).json["code"] == "customer_merged"
    assert client.post(f"{path}/restore").json["code"] == "customer_merged"
    assert merge(client, other, source | {"version": 2}).json["code"] == "customer_merged"
    # The old id answers with the target's version, which no write through it may be taken for.
    client.patch(f"/v1/customers/{target['id']}", json={"city": "Oslo"}, version=2)
    seen = client.get(path).json["version"]
    assert client.patch(path, json={"city": "Rome"}, version=seen).json["code"] == "customer_merged"
    assert client.delete(path, version=seen).json["code"] == "customer_merged"
    assert client.delete(f"{path}/tags/vip", version=seen).json["code"] == "customer_merged"
    assert client.post(f"{path}/tags", json={"tags": []}).json["code"] == "customer_merged"
    assert client.post(f"{path}/assign", json={"assigned_to": 7}, version=seen).json["code"] == "customer_merged"
    assert merge(client, other, source | {"version": seen}).json["code"] == "customer_merged"


def test_old_ids_resolve_through_several_merges(client, create, merge):
    first, second, third = create(client), create(client), create(client)
    contact = client.post(f"/v1/customers/{first['id']}/contacts", json={"first_name": "Grace"}).json
    merge(client, second, first)
    merge(client, third, second | {"version": 2})
    path = f"/v1/customers/{first['id']}"
    assert client.get(path).json["id"] == third["id"]
    assert [row["id"] for row in client.get(f"{path}/contacts").json["data"]] == [contact["id"]]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda body: body["from"].clear(), 422, "validation_failed"),
        (lambda body: body["from"][0].update(version=9), 412, "stale_version"),
        (lambda body: body["from"][0].update(id=999_999_999), 404, "customer_not_found"),
        (lambda body: body["fields"].update(name=999_999_999), 422, "invalid_merge"),
        (lambda body: body["fields"].update(version=1), 422, "validation_failed"),
        (lambda body: body["from"].append(body["from"][0] | {"version": 2}), 422, "validation_failed"),
    ],
)
def test_a_wrong_merge_is_refused_and_changes_nothing(*, client, change, status, code, create, merge):
    target, source = create(client), create(client)
    body = {"from": [{"id": source["id"], "version": 1}], "fields": {}}
    change(body)
    answer = client.post(f"/v1/customers/{target['id']}/merge", json=body, version=1)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert client.get(f"/v1/customers/{source['id']}").json == source
    assert merge(client, target, target).json["code"] == "invalid_merge"


@pytest.mark.parametrize(("of_source", "status"), [(MOST_OF_A_CUSTOMER - 1, 200), (MOST_OF_A_CUSTOMER, 409)])
def test_a_merge_brings_no_more_contacts_together_than_a_customer_may_have(
    *, client, superuser, company_id, of_source, status, create, merge
):
    target, source = create(client), create(client)
    for customer, count in ((target, 1), (source, of_source)):
        superuser.execute(
            "INSERT INTO contacts (company_id, customer_id, first_name, archived_at)"
            " SELECT %s, %s, 'Grace', CASE WHEN i > %s THEN now() END FROM generate_series(1, %s) i",
            (company_id, customer["id"], count, count + 5),
        )
    answer = merge(client, target, source)
    assert answer.status_code == status, answer.json
    if status == 409:
        assert answer.json["code"] == "too_many_contacts"
        assert (
            f"at most {MOST_OF_A_CUSTOMER} contacts, and these have {MOST_OF_A_CUSTOMER + 1}" in answer.json["detail"]
        )
        assert client.get(f"/v1/customers/{source['id']}").json == source
        assert client.get(f"/v1/customers/{target['id']}").json == target


def test_the_tag_of_what_was_merged_is_none_of_the_survivors(client, create, merge):
    """Both may have the same version: whoever has the loser's document is given the survivor's."""
    target, source = create(client), create(client)
    client.patch(f"/v1/customers/{source['id']}", json={"city": "Rome"}, version=1)
    merge(client, target, source | {"version": 2})
    path = f"/v1/customers/{source['id']}"
    survivor = client.get(f"/v1/customers/{target['id']}")
    tag = survivor.headers["ETag"]
    answer = client.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json["id"]) == (200, target["id"])
    assert answer.headers["Content-Location"] == f"/v1/customers/{target['id']}"
    assert client.get(f"/v1/customers/{target['id']}", headers={"If-None-Match": tag}).status_code == 304


def test_another_tenants_customers_cannot_be_merged(client, client_of, company_id, create, merge):
    target, strange = create(client), create(client_of(company_id + 10**9))
    assert merge(client, target, strange).status_code == 404
    done = merge(client, target, create(client)).json
    stranger = client_of(company_id + 10**9)
    assert stranger.post(f"/v1/customers/merges/{done['merge']['id']}/undo").status_code == 404
    assert stranger.get("/v1/customers/merges").json["data"] == []


def test_of_two_merges_of_overlapping_records_one_wins(*, at_once, client_of, client, company_id, create, merge):
    for _ in range(8):
        first, second, third = create(client), create(client), create(client)
        answers = at_once(
            lambda a=first, b=second: merge(client_of(company_id), a, b),
            lambda b=second, c=third: merge(client_of(company_id), b, c),
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 412])


def test_of_an_edit_and_a_merge_at_once_one_wins(*, at_once, client_of, client, company_id, create, merge):
    for _ in range(8):
        target, source = create(client), create(client)
        path = f"/v1/customers/{source['id']}"
        answers = at_once(
            lambda a=target, b=source: merge(client_of(company_id), a, b),
            lambda p=path: client_of(company_id).patch(p, json={"city": "Rome"}, version=1),
        )
        statuses = [answer.status_code for answer in answers]
        assert statuses in ([200, 409], [200, 412], [412, 200])


def test_of_an_edit_and_a_purge_at_once_one_wins(at_once, client_of, client, company_id, create):
    purger = client_of(company_id, scope="customers:read customers:write customers:purge")
    for _ in range(8):
        path = f"/v1/customers/{create(client)['id']}"
        answers = at_once(
            lambda p=path: purger.post(f"{p}/purge", version=1),
            lambda p=path: client_of(company_id).patch(p, json={"city": "Rome"}, version=1),
        )
        assert [answer.status_code for answer in answers] in ([204, 404], [412, 200])


def test_purging_takes_what_was_merged_with_it(client_of, company_id, superuser, create, merge):
    client = client_of(company_id, scope="customers:read customers:write customers:purge")
    target, source = create(client), create(client)
    merge(client, target, source)
    assert client.post(f"/v1/customers/{target['id']}/purge", version=2).status_code == 204
    assert client.get(f"/v1/customers/{source['id']}").status_code == 404
    purged = superuser.execute(
        "SELECT count(*) FROM outbox WHERE company_id = %s AND type = 'crm.customer.purged.v1'", (company_id,)
    )
    assert purged.fetchone() == (2,)


@pytest.fixture
def company_says(superuser, company_id):
    """Set what the company does about duplicates, as its event would."""

    def say(action):
        superuser.execute(
            "INSERT INTO company_refs (company_id, version, settings) VALUES (%s, 1, jsonb_build_object('duplicates', %s::text))"
            " ON CONFLICT (company_id) DO UPDATE SET settings = excluded.settings",
            (company_id, action),
        )

    return say


def test_a_company_that_blocks_duplicates_gets_409_with_the_candidates(client, company_says, create):
    ada = create(client, email="ada@example.com")
    company_says("block")
    refused = client.post("/v1/customers", json={"name": "A. Lovelace", "email": "Ada@example.com"})
    assert (refused.status_code, refused.json["code"]) == (409, "possible_duplicate")
    assert refused.json["candidates"][0]["customer"]["id"] == ada["id"]
    assert len(client.get("/v1/customers").json["data"]) == 1
    assert client.post("/v1/customers", json={"name": "Somebody else"}).status_code == 201


def test_a_company_that_wants_a_warning_gets_a_link(client, company_says, create):
    ada = create(client, email="ada@example.com")
    company_says("warn")
    answer = client.post("/v1/customers", json={"name": "A. Lovelace", "email": "ada@example.com"})
    assert answer.status_code == 201
    assert answer.headers["Link"] == f'</v1/customers/{ada["id"]}>; rel="urn:crm:rel:duplicate"'
    assert "Link" not in client.post("/v1/customers", json={"name": "Somebody else"}).headers


def test_of_two_who_create_the_same_at_once_one_is_refused_where_duplicates_are_blocked(
    *, client_of, company_id, company_says, create, database, superuser
):
    """Both have inserted their row, which the other does not see, before either looks for duplicates."""
    create(client_of(company_id))
    company_says("block")
    body = {"name": "Twin", "email": "twin@example.com"}

    def work(code):
        return client_of(company_id).post("/v1/customers", json=body | {"customer_code": code})

    waiting = (
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND NOT l.granted AND a.datname = current_database()"
    )

    def both_wait():
        assert not any(answer.done() for answer in answers)
        return superuser.execute(waiting).fetchone() == (2,)

    with ThreadPoolExecutor(2) as pool:
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            lock_creation(session)
            # The code is given, or the two would queue up for the next number before they insert.
            answers = [pool.submit(work, code) for code in ("A-1", "A-2")]
            wait_until(both_wait)
        assert sorted(answer.result().status_code for answer in answers) == [201, 409]
