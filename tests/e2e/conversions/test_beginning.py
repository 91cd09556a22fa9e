"""Leads that become customers and deals: what is asked for, refused, and made."""

import uuid

import pytest

from chassis.testing.fixtures import Client

SCOPE = "leads:read leads:write leads:purge deals:read deals:write customers:read customers:write pipelines:write"
STARTED = "crm.conversion.started.v1"
REFUSED = "crm.conversion_result.refused.v1"


def test_a_lead_becomes_a_customer_a_contact_and_a_deal(saga, refusal):
    lead = saga.lead(
        description="Wants ten", notes="Met at the fair", source="fair", priority="high", phone="+4930123456"
    )
    contact = {"first_name": "Grace", "is_primary": True}
    begun = saga.begin(lead, contact={"create": contact}, assigned_to=8)
    assert (begun["state"], saga.counts()) == ("converting", (0, 0, ["new"]))
    saga.run()
    done = saga.conversion(begun)
    (customer,), (deal,), (now,) = saga.rows("customers"), saga.rows("deals"), saga.rows("leads")
    assert done["state"] == "completed"
    assert (done["customer_id"], done["deal_id"], done["deal_created"]) == (customer["id"], deal["id"], True)
    named = [customer[name] for name in ("name", "email", "phone", "source", "priority", "assigned_to", "created_by")]
    assert named == [lead["lead_name"], lead["email"], "+4930123456", "fair", "high", 8, 7]
    named = [deal[name] for name in ("deal_name", "deal_value", "currency", "notes", "lead_id", "customer_id")]
    assert named == [lead["lead_name"], "500.00", "USD", "Wants ten\n\nMet at the fair", lead["id"], customer["id"]]
    assert (deal["stage"], deal["assigned_to"], deal["created_by"]) == ("prospect", 8, 7)
    assert (now["status"], now["probability"], now["converted_customer_id"]) == ("converted", 100, customer["id"])
    (person,) = saga.customers.get(f"/v1/customers/{customer['id']}/contacts").json["data"]
    assert (person["first_name"], now["converted_contact_id"], done["contact_id"]) == (
        "Grace",
        person["id"],
        person["id"],
    )
    types = [event.type for event in saga.told("pipeline")][-3:]
    assert types == ["crm.deal.created.v1", "crm.lead.converted.v1", "crm.conversion.completed.v1"]
    again = saga.convert(lead)
    assert (refusal(again), again.headers["Location"]) == ((409, "lead_converted"), f"/v1/conversions/{done['id']}")


def test_where_customers_has_nothing_to_write_it_is_done_at_once(saga):
    customer, lead = saga.customer(), saga.lead()
    answer = saga.convert(lead, customer={"use": customer["id"]})
    assert (answer.status_code, answer.json["state"]) == (201, "completed")
    assert saga.counts() == (1, 1, ["converted"])
    assert saga.told("pipeline", STARTED) == []


def test_blanks_of_a_customer_and_of_a_deal_are_filled(saga):
    customer = saga.customer(email="own@example.com")
    deal = saga.pipeline.post(
        "/v1/deals", json={"deal_name": "Ten", "deal_value": "1.00", "customer_id": customer["id"], "notes": "own"}
    ).json
    lead = saga.lead(source="fair", expected_close_date="2030-01-01", notes="the lead's")
    used = {"use": customer["id"], "fill_blanks": True}
    begun = saga.begin(lead, customer=used, deal={"use": deal["id"]})
    saga.run()
    assert saga.conversion(begun)["state"] == "completed"
    (now,) = saga.rows("customers")
    assert (now["email"], now["source"]) == ("own@example.com", "fair")
    (now,) = saga.rows("deals")
    named = (now["deal_value"], now["notes"], now["expected_close_date"], now["lead_id"])
    assert named == ("1.00", "own", "2030-01-01", lead["id"])


def test_the_preview_writes_nothing(saga):
    twin, lead = saga.customer(email="ada@example.com"), saga.lead(email="ada@example.com")
    path = f"/v1/leads/{lead['id']}/convert/preview"
    shown = saga.pipeline.post(path, json={}).json
    assert shown["values"]["customer"]["create"]["email"] == "ada@example.com"
    assert shown["values"]["deal"]["create"]["deal_value"] == "500.00"
    assert [one["customer"]["id"] for one in shown["candidates"]] == [twin["id"]]
    assert saga.counts() == (1, 0, ["new"])


def test_the_number_of_a_new_customer_is_of_the_country_that_it_is_in(saga, refusal):
    twin, lead = saga.customer(phone="+49 30 1234567"), saga.lead(phone="030 1234567")
    answer = saga.convert(lead, customer={"create": {"country": "Germany"}})
    assert refusal(answer) == (409, "possible_duplicate")
    assert [one["customer"]["id"] for one in answer.json["candidates"]] == [twin["id"]]


def test_likely_duplicates_are_refused_before_anything_is_written(saga, refusal):
    twin, lead = saga.customer(email="ada@example.com"), saga.lead(email="ada@example.com")
    answer = saga.convert(lead)
    assert refusal(answer) == (409, "possible_duplicate")
    assert [one["customer"]["id"] for one in answer.json["candidates"]] == [twin["id"]]
    assert saga.rows("conversions") == []
    saga.begin(lead, accept_duplicates=[twin["id"]])
    saga.run()
    assert saga.counts() == (2, 1, ["converted"])


def test_without_an_answer_of_customers_nothing_is_begun(
    *, saga, application_of, service_key, tokens, company_id, refusal
):
    lead = saga.lead()
    alone = application_of("pipeline", service_urls="customers=http://127.0.0.1:9", service_key=service_key)
    client = Client(alone.test_client(), tokens.sign(company_id=company_id, sub="7", scope=SCOPE))
    for path in ("convert", "convert/preview"):
        answer = client.post(f"/v1/leads/{lead['id']}/{path}", json={})
        assert refusal(answer) == (503, "reference_unavailable")
        assert answer.headers["Retry-After"]
    assert saga.rows("conversions") == []


def test_a_duplicate_that_comes_meanwhile_ends_the_conversion_and_leaves_the_lead(saga):
    lead = saga.lead(email="ada@example.com")
    begun = saga.begin(lead)
    twin = saga.customer(email="ada@example.com")
    saga.deliver("pipeline", STARTED)
    saga.deliver("customers", REFUSED)
    failed = saga.conversion(begun)
    assert (failed["state"], failed["error_code"]) == ("failed", "possible_duplicate")
    assert [one["customer"] for one in failed["candidates"]] == [{"id": twin["id"]}]
    assert saga.counts() == (1, 0, ["new"])
    (now,) = saga.rows("leads")
    assert now == lead
    saga.begin(lead, accept_duplicates=[twin["id"]])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"customer": {"skip": True}, "deal": {"skip": True}}, (422, "nothing_to_convert")),
        ({"customer": {"skip": True}}, (422, "deal_without_customer")),
        ({"customer": {"skip": True}, "contact": {"create": {"first_name": "G"}}}, (422, "contact_without_customer")),
        ({"customer": {"use": 2**40}}, (422, "unknown_customer")),
        ({"customer": {"use": 5, "create": {}}}, (422, "validation_failed")),
        ({"customer": {"create": {}, "fill_blanks": True}}, (422, "validation_failed")),
        ({"deal": {"create": {"stage_id": 2**40}}}, (422, "unknown_stage")),
        ({"deal": {"use": 2**40}}, (404, "deal_not_found")),
        ({"assigned_to": 2**40}, (422, "unknown_user")),
    ],
)
def test_what_cannot_be_is_refused_at_once(saga, body, expected, refusal):
    assert refusal(saga.convert(saga.lead(), **body)) == expected
    assert saga.rows("conversions") == []


def test_a_deal_needs_a_value(saga):
    lead = saga.lead(estimated_value=None)
    answer = saga.convert(lead)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/deal/create/deal_value")
    saga.begin(lead, deal={"create": {"deal_value": "7.00"}})


def test_a_lead_that_is_being_converted_stays_as_it_is(saga, refusal):
    lead = saga.lead()
    begun = saga.begin(lead)
    path = f"/v1/leads/{lead['id']}"
    answers = [
        saga.pipeline.patch(path, json={"notes": "x"}, version=1),
        saga.pipeline.post(f"{path}/move", json={"stage_id": lead["stage_id"]}),
        saga.pipeline.post(f"{path}/lose", json={}),
        saga.pipeline.delete(path, version=1),
        saga.pipeline.post(f"{path}/purge", version=1),
        saga.convert(lead),
    ]
    assert [refusal(answer) for answer in answers] == [(409, "lead_converting")] * 6
    assert answers[-1].headers["Location"] == f"/v1/conversions/{begun['id']}"


def test_a_lost_or_archived_lead_is_not_converted(saga, refusal):
    lost, archived = saga.lead(), saga.lead()
    assert saga.pipeline.post(f"/v1/leads/{lost['id']}/lose", json={}).status_code == 200
    assert saga.pipeline.delete(f"/v1/leads/{archived['id']}", version=1).status_code == 204
    assert refusal(saga.convert(lost)) == (409, "lead_lost")
    assert refusal(saga.convert(archived)) == (409, "lead_archived")


def test_who_lacks_a_permission_converts_nothing(saga, scoped, refusal):
    lead, customer = saga.lead(), saga.customer()
    for scope in (SCOPE.replace("customers:write", ""), SCOPE.replace("deals:write", ""), "leads:read"):
        answer = saga.convert(lead, client=scoped(scope)["pipeline"])
        assert refusal(answer) == (403, "permission_missing")
    own = scoped("leads:read leads:write deals:read deals:write customers:read:own", "8")["pipeline"]
    assert refusal(saga.convert(lead, client=own, customer={"use": customer["id"]})) == (422, "unknown_customer")
    mine = scoped("leads:read:own leads:write deals:write", "8")["pipeline"]
    assert refusal(saga.convert(lead, client=mine)) == (404, "lead_not_found")


def test_a_company_sees_no_conversion_of_another(saga, converting, tokens, company_id):
    lead = saga.lead()
    begun = saga.begin(lead)
    stranger = Client(converting.test_client(), tokens.sign(company_id=company_id + 10**9, sub="7", scope=SCOPE))
    assert stranger.get(f"/v1/conversions/{begun['id']}").status_code == 404
    assert stranger.get("/v1/conversions").json["data"] == []
    for action in ("cancel", "undo"):
        assert stranger.post(f"/v1/conversions/{begun['id']}/{action}").status_code == 404
    assert saga.convert(lead, client=stranger).status_code == 404


def test_the_same_request_again_gets_the_same_answer(saga):
    lead = saga.lead()
    path, key = f"/v1/leads/{lead['id']}/convert", {"Idempotency-Key": str(uuid.uuid4())}
    answers = [saga.pipeline.request("POST", path, json={}, headers=key) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("direct", [False, True])
def test_of_twenty_at_once_one_converts(saga, scoped, at_once, direct):
    lead = saga.lead()
    customer = saga.customer() if direct else None
    body = {"customer": {"use": customer["id"]}} if direct else {}
    clients = [scoped()["pipeline"] for _ in range(20)]
    answers = at_once(*[lambda c=client: saga.convert(lead, client=c, **body) for client in clients])
    won = [answer for answer in answers if answer.status_code in (201, 202)]
    assert len(won) == 1, [answer.json for answer in answers]
    codes = {answer.json["code"] for answer in answers if answer not in won}
    # Who names a customer has it asked for, and where one question takes too long the others are refused for a moment.
    assert codes <= {"lead_converting", "lead_converted", "record_busy", "reference_unavailable"}
    if not direct:
        saga.run()
    assert saga.counts() == (1, 1, ["converted"])
