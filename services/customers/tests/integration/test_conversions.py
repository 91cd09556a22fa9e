"""What customers do for the conversion of a lead: once, as the actor could have done it, and taken back when untouched."""

import orjson
import pytest

from chassis.testing.events import hand_to, neighbours_event
from customers.handlers import SUBSCRIPTIONS

MOMENT = "2026-11-28T12:00:00Z"


class Conversions:
    """The pipeline as customers see it: its events, handed to the handlers as the consumer does it."""

    def __init__(self, database, superuser, company_id, client):
        self._database = database
        self._superuser = superuser
        self._company_id = company_id
        self.client = client

    def tell(self, action, number, *, actor=7, own_only=False, customer_in_use=False, **wishes):
        wishes = {"contact": {"skip": True}, "deal": {"skip": True}, "accept_duplicates": []} | wishes
        data = {"before": None, "after": {"wishes": wishes}, "changed": [], "own_only": own_only}
        data |= {"customer_in_use": customer_in_use}
        told = neighbours_event(f"conversion.{action}", f"conversions/{number}", self._company_id, 1, data, actor=actor)
        hand_to(SUBSCRIPTIONS.handlers, self._database, told)
        return self.results(number)

    def results(self, number):
        """The events that answer a conversion, in their order."""
        rows = self._superuser.execute(
            "SELECT body FROM outbox WHERE company_id = %s AND aggregate_type = 'conversion_results' ORDER BY id",
            (self._company_id,),
        ).fetchall()
        told = [orjson.loads(bytes(body)) for (body,) in rows]
        return [event for event in told if event["data"]["after"]["conversion_id"] == number]

    def names(self):
        return [row["name"] for row in self.client.get("/v1/customers").json["data"]]


@pytest.fixture
def conversions(database, superuser, company_id, client):
    return Conversions(database, superuser, company_id, client)


def new(**values):
    return {"create": {"name": "Ada"} | values}


def test_a_customer_and_a_contact_are_created_in_the_actors_name(conversions, client):
    (told,) = conversions.tell(
        "started", 5, customer=new(email="ada@example.com", assigned_to=9), contact={"create": {"first_name": "Grace"}}
    )
    assert (told["type"], told["actor"]) == ("crm.conversion_result.succeeded.v1", "7")
    result = told["data"]["after"]
    assert (result["state"], result["customer_created"], result["contact_created"]) == ("succeeded", True, True)
    customer = client.get(f"/v1/customers/{result['customer_id']}").json
    assert customer == told["data"]["customer"]
    assert (customer["name"], customer["created_by"], customer["assigned_to"]) == ("Ada", 7, 9)
    contact = client.get(f"/v1/contacts/{result['contact_id']}").json
    assert contact == told["data"]["contact"]
    assert (contact["customer_id"], contact["created_by"]) == (customer["id"], 7)


def test_a_conversion_that_is_told_of_twice_is_done_once(conversions):
    first = conversions.tell("started", 5, customer=new())
    assert conversions.tell("started", 5, customer=new()) == first
    assert conversions.names() == ["Ada"]


def test_two_at_once_do_it_once(conversions, at_once):
    def told():
        try:
            return conversions.tell("started", 5, customer=new(email="ada@example.com"))
        except Exception:  # noqa: BLE001  # The consumer would have it delivered again.
            return conversions.tell("started", 5, customer=new(email="ada@example.com"))

    at_once(*[told] * 6)
    assert conversions.names() == ["Ada"]
    assert len(conversions.results(5)) == 1


def test_blanks_of_a_customer_are_filled_and_nothing_else(conversions, client, create):
    customer = create(client, email="own@example.com")
    fill = {"email": "lead@example.com", "phone": "+4930123456", "source": "fair"}
    (told,) = conversions.tell("started", 5, customer={"use": customer["id"], "fill": fill})
    assert told["data"]["after"]["filled"] == ["phone", "source"]
    now = client.get(f"/v1/customers/{customer['id']}").json
    assert (now["email"], now["phone"], now["source"], now["version"]) == ("own@example.com", "+4930123456", "fair", 2)
    assert now["phone_e164"] == "+4930123456"


def refusal(told):
    (event,) = told
    assert event["type"] == "crm.conversion_result.refused.v1"
    return event["data"]["after"]["error_code"]


def test_likely_duplicates_that_nobody_accepted_are_refused(conversions, client, create):
    twin = create(client, email="ada@example.com")
    told = conversions.tell("started", 5, customer=new(email="ada@example.com"))
    assert refusal(told) == "possible_duplicate"
    assert [one["customer"]["id"] for one in told[0]["data"]["candidates"]] == [twin["id"]]
    assert conversions.names() == [twin["name"]]
    (told,) = conversions.tell("started", 6, customer=new(email="ada@example.com"), accept_duplicates=[twin["id"]])
    assert told["data"]["after"]["state"] == "succeeded"


@pytest.mark.parametrize(("setting", "state"), [("block", "refused"), ("warn", "succeeded")])
def test_a_duplicate_that_the_actor_may_not_see_counts_where_the_company_blocks(
    *, conversions, client, create, superuser, company_id, setting, state
):
    create(client, email="ada@example.com")
    settings = orjson.dumps({"duplicates": setting}).decode()
    statement = "INSERT INTO company_refs (company_id, version, settings) VALUES (%s, 1, %s)"
    superuser.execute(statement, (company_id, settings))
    (told,) = conversions.tell("started", 5, actor=8, own_only=True, customer=new(email="ada@example.com"))
    assert told["data"]["after"]["state"] == state
    assert told["data"].get("candidates", []) == []


def test_what_a_request_could_not_do_is_refused(*, conversions, client, client_of, create, superuser, company_id):
    customer, other = create(client), create(client)
    strange = client.post(f"/v1/customers/{other['id']}/contacts", json={"first_name": "Grace"}).json["id"]
    elsewhere = create(client_of(company_id + 10**9))
    taken = create(client, company_name="Engines")
    used = {"use": customer["id"]}
    assert refusal(conversions.tell("started", 1, customer=new(email="no address"))) == "validation_failed"
    assert refusal(conversions.tell("started", 2, customer={"use": elsewhere["id"]})) == "customer_not_found"
    assert refusal(conversions.tell("started", 3, customer=used, actor=8, own_only=True)) == "customer_not_found"
    assert refusal(conversions.tell("started", 4, customer=used, contact={"use": strange})) == "customer_mismatch"
    assert refusal(conversions.tell("started", 5, customer=new(industry="Alchemy"))) == "unknown_industry"
    names = {"name": taken["name"], "company_name": "Engines"}
    told = conversions.tell("started", 6, customer={"create": names}, accept_duplicates=[taken["id"]])
    assert refusal(told) == "customer_exists"
    assert client.delete(f"/v1/customers/{customer['id']}", version=1).status_code == 204
    assert refusal(conversions.tell("started", 7, customer=used)) == "customer_archived"
    superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s", (company_id,))
    assert refusal(conversions.tell("started", 8, customer=new())) == "inactive_user"
    assert sorted(conversions.names()) == sorted([other["name"], taken["name"]])


def test_a_contact_that_is_refused_takes_its_customer_along(conversions):
    told = conversions.tell("started", 5, customer=new(), contact={"create": {"first_name": "G", "email": "none"}})
    assert refusal(told) == "validation_failed"
    assert told[0]["data"]["errors"][0]["pointer"] == "/contact/create/email"
    assert conversions.names() == []


@pytest.mark.parametrize("action", ["cancelled", "undone"])
def test_what_was_created_and_left_alone_is_archived(conversions, client, action):
    wishes = {"customer": new(), "contact": {"create": {"first_name": "Grace", "is_primary": True}}}
    (done,) = conversions.tell("started", 5, **wishes)
    told = conversions.tell(action, 5, **wishes)
    assert [event["type"] for event in told[1:]] == ["crm.conversion_result.undone.v1"]
    assert told[1]["data"]["after"]["kept"] == []
    assert conversions.names() == []
    contact = client.get(f"/v1/contacts/{done['data']['after']['contact_id']}").json
    assert contact["archived_at"] is not None
    assert conversions.tell(action, 5, **wishes) == told


def kept(told):
    assert told[-1]["type"] == "crm.conversion_result.undone.v1"
    return told[-1]["data"]["after"]["kept"]


def test_what_somebody_has_worked_on_with_is_kept(conversions, client):
    contact = {"create": {"first_name": "Grace"}}
    (first,) = conversions.tell("started", 1, customer=new(), contact=contact)
    path = f"/v1/customers/{first['data']['after']['customer_id']}"
    assert client.patch(path, json={"city": "Rome"}, version=1).status_code == 200
    assert kept(conversions.tell("undone", 1, customer=new(), contact=contact)) == ["/customer"]
    assert client.get(f"/v1/contacts/{first['data']['after']['contact_id']}").json["archived_at"] is not None

    (second,) = conversions.tell("started", 2, customer=new(name="Bea"), contact=contact)
    path = f"/v1/contacts/{second['data']['after']['contact_id']}"
    assert client.patch(path, json={"job_title": "Buyer"}, version=1).status_code == 200
    assert kept(conversions.tell("undone", 2, customer=new(name="Bea"), contact=contact)) == ["/customer", "/contact"]

    (third,) = conversions.tell("started", 3, customer=new(name="Cleo"))
    path = f"/v1/customers/{third['data']['after']['customer_id']}/contacts"
    assert client.post(path, json={"first_name": "Somebody else's"}).status_code == 201
    assert kept(conversions.tell("undone", 3, customer=new(name="Cleo"))) == ["/customer"]

    conversions.tell("started", 4, customer=new(name="Dora"))
    assert kept(conversions.tell("undone", 4, customer=new(name="Dora"), customer_in_use=True)) == ["/customer"]
    assert sorted(conversions.names()) == ["Ada", "Bea", "Cleo", "Dora"]


def test_filled_blanks_are_emptied_unless_somebody_changed_them(conversions, client, create):
    customer = create(client)
    path = f"/v1/customers/{customer['id']}"
    fill = {"email": "lead@example.com", "phone": "+4930123456", "source": "fair"}
    wishes = {"customer": {"use": customer["id"], "fill": fill}}
    conversions.tell("started", 5, **wishes)
    assert client.patch(path, json={"source": "web", "email": None}, version=2).status_code == 200
    assert kept(conversions.tell("undone", 5, **wishes)) == ["/customer/source"]
    now = client.get(path).json
    assert (now["email"], now["phone"], now["phone_e164"], now["source"]) == (None, None, None, "web")


def test_what_is_archived_or_gone_since_is_left_alone(conversions, client_of, company_id):
    client = client_of(company_id, "customers:read customers:write customers:purge")
    (first,) = conversions.tell("started", 1, customer=new())
    (second,) = conversions.tell("started", 2, customer=new(name="Bea"))
    paths = [f"/v1/customers/{told['data']['after']['customer_id']}" for told in (first, second)]
    assert client.delete(paths[0], version=1).status_code == 204
    assert client.post(f"{paths[1]}/purge", version=1).status_code == 204
    assert kept(conversions.tell("undone", 1, customer=new())) == []
    assert kept(conversions.tell("undone", 2, customer=new(name="Bea"))) == []
    assert client.get(paths[0]).json["version"] == 2


def test_a_start_that_comes_after_its_cancelling_does_nothing(conversions):
    told = conversions.tell("cancelled", 5, customer=new())
    assert [event["type"] for event in told] == ["crm.conversion_result.undone.v1"]
    assert conversions.tell("started", 5, customer=new()) == told
    assert conversions.names() == []


def test_a_refused_conversion_leaves_nothing_to_undo(conversions):
    told = conversions.tell("started", 5, customer=new(email="none"))
    assert refusal(told) == "validation_failed"
    assert kept(conversions.tell("cancelled", 5, customer=new(email="none"))) == []


def test_conversions_of_other_companies_are_others(conversions, database, superuser, company_id, client_of):
    there = Conversions(database, superuser, company_id + 10**9, client_of(company_id + 10**9))
    conversions.tell("started", 5, customer=new())
    there.tell("started", 5, customer=new())
    there.tell("cancelled", 5, customer=new())
    assert (conversions.names(), there.names()) == (["Ada"], [])
