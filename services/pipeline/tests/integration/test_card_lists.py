"""Lists of leads and deals, and changes of many: what is late, what is one's own, and in which order."""

import pytest


def ids(answer):
    assert answer.status_code == 200, answer.json
    return [row["id"] for row in answer.json["data"]]


def test_names_are_sorted_as_people_read(client, create_lead):
    made = {
        name: create_lead(lead_name=name, source=name)["id"] for name in ("Zacher", "über", "Adam", "Öhler", "Š", "s")
    }
    book = [made[name] for name in ("Adam", "Öhler", "s", "Š", "über", "Zacher")]
    for sort, wanted in (("lead_name", book), ("-lead_name", book[::-1]), ("source", book)):
        found, cursor = [], ""
        while cursor is not None:
            answer = client.get(f"/v1/leads?sort={sort}&limit=2{cursor and '&cursor=' + cursor}")
            found, cursor = found + ids(answer), answer.json["page"]["next_cursor"]
        assert found == wanted


def test_a_lead_is_found_by_its_address_in_any_case_and_no_status_by_a_word_that_is_none(client, create_lead):
    made = create_lead(lead_name="A", email="Ada@Engines.example")["id"]
    assert ids(client.get("/v1/leads?email=ADA@engines.EXAMPLE")) == [made]
    for path in ("leads?status=New", "leads?priority=urgent", "deals?status=Won"):
        assert client.get(f"/v1/{path}").json["code"] == "invalid_query"


def test_priority_is_sorted_by_its_meaning(client, create_lead):
    made = {priority: create_lead(priority=priority)["id"] for priority in ("medium", "high", "low")}
    assert ids(client.get("/v1/leads?sort=priority")) == [made["low"], made["medium"], made["high"]]
    page = client.get("/v1/leads?sort=-priority&limit=1").json
    assert "priority_rank" not in page["data"][0]
    following = client.get(f"/v1/leads?sort=-priority&limit=1&cursor={page['page']['next_cursor']}")
    assert ids(following) == [made["medium"]]


def test_amounts_are_sorted_as_numbers_and_empty_ones_come_last(client, create_lead):
    values = ("9.00", None, "10.00", "100.00", None, "9.50")
    made = [create_lead(estimated_value=value)["id"] for value in values]
    by_value = [made[0], made[5], made[2], made[3]]
    for sort, wanted in (("estimated_value", by_value), ("-estimated_value", by_value[::-1])):
        found, cursor = [], ""
        while cursor is not None:
            page = client.get(f"/v1/leads?sort={sort}&limit=2{cursor and '&cursor=' + cursor}").json
            found += [row["id"] for row in page["data"]]
            cursor = page["page"]["next_cursor"]
        assert found[:4] == wanted
        assert sorted(found[4:]) == sorted((made[1], made[4]))
    assert ids(client.get("/v1/leads?estimated_value[gte]=10&sort=estimated_value")) == [made[2], made[3]]


def test_overdue_is_what_is_open_and_was_expected_before_the_companys_today(client, create_deal, company, superuser):
    company("USD", "Pacific/Kiritimati")
    days = {name: create_deal(expected_close_date="2030-01-01")["id"] for name in ("before", "today", "won", "none")}
    today = "(now() AT TIME ZONE 'Pacific/Kiritimati')::date"
    for name, value in (("before", f"{today} - 1"), ("today", today), ("won", f"{today} - 1"), ("none", "NULL")):
        superuser.execute(f"UPDATE deals SET expected_close_date = {value} WHERE id = %s", (days[name],))  # noqa: S608  # Our own words.
    client.post(f"/v1/deals/{days['won']}/win", json={})
    assert ids(client.get("/v1/deals?overdue=true")) == [days["before"]]
    assert days["before"] not in ids(client.get("/v1/deals?overdue=false"))
    assert client.get("/v1/deals?overdue=perhaps").json["code"] == "invalid_query"


def test_stale_is_what_is_longer_in_its_stage_than_that_allows(client, create_deal, deal_stages, superuser):
    path = f"/v1/deal-stages/{deal_stages['prospect']}"
    assert client.patch(path, json={"stale_after_days": 3}, version=1).status_code == 200
    long, short, elsewhere = create_deal(), create_deal(), create_deal(stage_id=deal_stages["proposal"])
    for deal, hours in ((long, 73), (short, 71), (elsewhere, 1000)):
        superuser.execute(
            "UPDATE deals SET stage_entered_at = now() - %s * interval '1 hour', created_at = now() - interval '1 year'"
            " WHERE id = %s",
            (hours, deal["id"]),
        )
    assert ids(client.get("/v1/deals?stale=true")) == [long["id"]]


def test_who_sees_their_own_records_sees_no_others_anywhere(client_of, company_id, create_lead, create_deal):
    other = client_of(company_id, user_id=8)
    lead, deal = create_lead(other), create_deal(other)
    own = client_of(company_id, "leads:read:own leads:write deals:read:own deals:write")
    mine = create_lead(own)
    assert ids(own.get("/v1/leads")) == [mine["id"]]
    assert own.get("/v1/leads/facets").json["status"] == [{"value": "new", "count": 1}]
    assert own.get("/v1/deals/board?include=totals").json["totals"]["count"] == 0
    for path in (f"/v1/leads/{lead['id']}", f"/v1/deals/{deal['id']}", f"/v1/deals/{deal['id']}/history"):
        assert own.get(path).status_code == 404
    for path in (f"/v1/leads/{lead['id']}/move", f"/v1/deals/{deal['id']}/move"):
        assert own.post(path, json={"stage_id": 2**40}).status_code == 404
    assert create_lead(other, assigned_to=7)["id"] in ids(own.get("/v1/leads"))


def test_what_is_moved_together_keeps_its_order_on_top(client, create_deal, deal_stages):
    there = create_deal(stage_id=deal_stages["proposal"])["id"]
    made = [create_deal(notes="together")["id"] for _ in range(4)]
    first = {"stage_id": deal_stages["prospect"], "after_id": made[0]}
    assert client.post(f"/v1/deals/{made[3]}/move", json=first).status_code == 200
    before = ids(client.get(f"/v1/deals?stage_id={deal_stages['prospect']}&sort=position"))
    body = {"filter": f"stage_id={deal_stages['prospect']}", "changes": {"stage_id": deal_stages["proposal"]}}
    counted = client.post("/v1/deals/bulk-update", json=body).json
    assert counted["count"] == 4
    done = client.post("/v1/deals/bulk-update", json=body | {"confirm": counted["confirm"]})
    assert done.json["updated"] == 4, done.json
    assert ids(client.get(f"/v1/deals?stage_id={deal_stages['proposal']}&sort=position")) == [*before, there]


def test_a_batch_says_of_each_item_what_became_of_it(client, create_lead, lead_stages):
    one, gone = create_lead(), create_lead()
    client.delete(f"/v1/leads/{gone['id']}", version=1)
    items = [
        {"action": "create", "values": {"lead_name": "Ada"}},
        {"action": "update", "id": one["id"], "version": 1, "values": {"stage_id": lead_stages["Contacted"]}},
        {"action": "update", "id": gone["id"], "version": 2, "values": {"notes": "x"}},
        {"action": "update", "id": one["id"], "version": 1, "values": {"notes": "x"}},
    ]
    results = client.post("/v1/leads/batch", json={"items": items}).json["results"]
    assert [result["status"] for result in results] == [201, 200, 409, 412]
    assert results[2]["problem"]["code"] == "lead_archived"


@pytest.mark.parametrize("noun", ["leads", "deals"])
def test_an_export_has_what_the_list_has(client, create_lead, create_deal, noun):
    made = create_lead() if noun == "leads" else create_deal()
    lines = client.get(f"/v1/{noun}/export.csv?fields=id,status").data.decode("utf-8-sig").splitlines()
    assert lines == ["id,status", f"{made['id']},{made['status']}"]


def test_a_patch_of_what_somebody_else_has_changed_is_refused(
    *, client, create_deal, deal_stages, at_once, client_of, company_id
):
    deal = create_deal()
    path = f"/v1/deals/{deal['id']}/move"
    targets = (deal_stages["qualified"], deal_stages["proposal"])
    answers = at_once(
        *(lambda to=to: client_of(company_id).post(path, json={"stage_id": to}, version=1) for to in targets)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(client.get(f"/v1/deals/{deal['id']}/history").json["data"]) == 2
