"""A week of work with a customer, by two people, one of whom leaves: it reads as one true timeline."""

import re

import pytest
import requests

from chassis.testing.days import day
from chassis.testing.waiting import wait_until

# One stack serves all tests that need a whole one.
pytestmark = pytest.mark.xdist_group("stack")
PATIENCE = 30


class Somebody:
    """A member, who asks through the gateway."""

    def __init__(self, api, signed_in):
        self._api = api
        self._token = signed_in["access_token"]
        self.id = self.ask("GET", "/auth/me")["user"]["id"]

    def ask(self, method, path, body=None, expected=None, **headers):
        headers |= {"Authorization": f"Bearer {self._token}"}
        answer = requests.request(method, f"{self._api}{path}", json=body, headers=headers, timeout=15)
        assert answer.status_code == expected if expected else answer.ok, (method, path, answer.text)
        return answer.json() if answer.content else None

    def make(self, path, **body):
        return self.ask("POST", path, body)

    def list(self, path):
        return self.ask("GET", path)["data"]


@pytest.fixture
def people(stack, register):
    """The founder of a company, and somebody whom she has hired to sell."""
    api = f"{stack.gateway_url}/v1"
    _, registered = register(api)
    ada = Somebody(api, registered)
    address = f"bob-{registered['company']['id']}@acme.example"
    ada.make("/invitations", email=address, role="sales_rep")

    def token_in_letter():
        for path in (stack.home / "mail").glob("*.eml"):
            text = path.read_text()
            found = re.search(r"/invitations#token=([A-Za-z0-9_-]{20,})", text)
            if found and f"To: {address}" in text:
                return found[1]
        return None

    body = {
        "token": wait_until(token_in_letter, PATIENCE),
        "password": "correct horse battery",
        "first_name": "Bob",
        "last_name": "B",
    }
    accepted = requests.post(f"{api}/invitations/accept", json=body, timeout=15)
    assert accepted.ok, accepted.text
    return ada, Somebody(api, accepted.json())


def test_a_week_of_work_reads_as_one_timeline(people):
    ada, bob = people
    customer_id = ada.make("/customers", name="Hopper Ltd")["id"]

    def timeline():
        return ada.list(f"/timeline?customer_id={customer_id}")

    # Monday: a call, and what is to follow from it.
    call = bob.make(
        "/activities",
        activity_type="call",
        title="First call",
        customer_id=customer_id,
        outcome="Wants an offer",
        duration_minutes=20,
        follow_up_date=day(2),
    )
    [follow_up] = bob.list(f"/tasks?follow_up_of={call['id']}")
    assert (follow_up["title"], follow_up["due_on"], follow_up["assigned_to"]) == (
        "Follow up: First call",
        day(2),
        bob.id,
    )
    # Tuesday: a deal, which moves.
    deal = bob.make("/deals", deal_name="Roll-out", deal_value="5000.00", customer_id=customer_id)
    stages = {stage["code"]: stage["id"] for stage in bob.list(f"/pipelines/{deal['pipeline_id']}/stages")}
    bob.make(f"/deals/{deal['id']}/move", stage_id=stages["proposal"])
    # Wednesday: the follow-up is done and logged in one go, about the deal; a report is due each day from now on.
    bob.make(f"/tasks/{follow_up['id']}/complete", activity={"outcome": "Offer sent", "duration_minutes": 5})
    report = bob.make(
        "/tasks",
        title="Report",
        due_on=day(1),
        customer_id=customer_id,
        deal_id=deal["id"],
        recurrence={"rrule": "FREQ=DAILY"},
    )
    bob.make(f"/tasks/{report['id']}/complete")
    [following] = bob.list(f"/tasks?series_id={report['series_id']}&open=true")
    assert following["due_on"] == day(2)
    # Thursday: it is won.
    bob.make(f"/deals/{deal['id']}/win")
    # Friday: Bob leaves, and what he has not done yet goes to Ada.
    ada.make(f"/users/{bob.id}/deactivate", transfer={"tasks": {"to": ada.id}})
    mine = f"/tasks?assigned_to={ada.id}&open=true"
    wait_until(lambda: [row["id"] for row in ada.list(mine)] == [following["id"]], PATIENCE)
    assert ada.list(f"/tasks?assigned_to={bob.id}&open=true") == []
    [told] = wait_until(lambda: ada.list("/notifications"), PATIENCE)
    assert (told["kind"], told["details"]) == ("transfer", {"moved": 1})
    series = ada.ask("GET", f"/task-series/{report['series_id']}")
    assert series["assigned_to"] == ada.id

    wait_until(timeline, PATIENCE, so=lambda entries: len(entries) == 5)
    read = [(entry["kind"], entry["record"]["title"], _who(entry)) for entry in timeline()]
    assert read == [
        ("activity", "Deal won", bob.id),
        ("task", "Report", bob.id),
        ("activity", "Follow up: First call", bob.id),
        ("activity", "Deal moved: Prospect → Proposal", bob.id),
        ("activity", "First call", bob.id),
    ]
    moments = [entry["at"] for entry in timeline()]
    assert moments == sorted(moments, reverse=True)
    # Of the deal, what is about it alone; and page by page the same.
    assert [entry["record"]["title"] for entry in ada.list(f"/timeline?deal_id={deal['id']}")] == [
        "Deal won",
        "Report",
        "Deal moved: Prospect → Proposal",
    ]
    page = ada.ask("GET", f"/timeline?customer_id={customer_id}&limit=2")
    paged = page["data"]
    while page["page"]["has_more"]:
        page = ada.ask("GET", f"/timeline?customer_id={customer_id}&limit=2&cursor={page['page']['next_cursor']}")
        paged += page["data"]
    assert paged == timeline()


def _who(entry):
    return entry["record"]["user_id" if entry["kind"] == "activity" else "assigned_to"]


def test_of_a_colleague_who_is_purged_only_the_work_is_left(people):
    ada, bob = people
    customer_id = bob.make("/customers", name="Hopper Ltd", assigned_to=bob.id)["id"]
    deal_id = bob.make("/deals", deal_name="D", deal_value="5.00", customer_id=customer_id, assigned_to=bob.id)["id"]
    task_id = bob.make("/tasks", title="Call back", customer_id=customer_id, assigned_to=bob.id)["id"]
    bob.make("/activities", activity_type="note", title="n", description="n", customer_id=customer_id)
    ada.make(f"/users/{bob.id}/deactivate")
    path = f"/users/{bob.id}/purge"
    version = {"If-Match": f'"{ada.ask("GET", f"/users/{bob.id}")["version"]}"'}
    refusal = ada.ask("POST", path, {}, 409, **version)
    assert (refusal["code"], " 1 open " in refusal["detail"]) == ("open_tasks", True)
    ada.ask("POST", path, {"transfer_to": ada.id, "activities": "delete"}, 204, **version)

    def left():
        records = [f"/customers/{customer_id}", f"/deals/{deal_id}", f"/tasks/{task_id}"]
        found = [ada.ask("GET", record) for record in records]
        return {(each["assigned_to"], each["created_by"]) for each in found}

    def states():
        purge = ada.ask("GET", path)
        return purge["state"], {each["service"]: each["state"] for each in purge["services"]}

    done = ("done", dict.fromkeys(("customers", "pipeline", "tasks"), "done"))
    wait_until(states, PATIENCE, so=lambda found: found == done)
    # What every service says that it is done with is done.
    assert left() == {(ada.id, None)}
    assert ada.list("/activities") == []
    assert ada.ask("GET", f"/users/{bob.id}", expected=404)["code"] == "user_not_found"

    def logged():
        entries = ada.list("/audit-logs?limit=100")
        return {entry["event_type"] for entry in entries}

    expected = {
        "crm.user_company.purged.v1",
        "crm.user.purged.v1",
        "crm.activity.purged.v1",
        "crm.customer.updated.v1",
        "crm.deal.updated.v1",
        "crm.task.updated.v1",
    }
    wait_until(logged, PATIENCE, so=lambda types: types >= expected)
