"""Members who were purged: their leads and deals, open, closed and archived, go on without them."""

from threading import Event as Flag

import pytest

from chassis.testing.events import assert_each_follows, hand_to, neighbours_event
from chassis.testing.purges import naming_users, seen_to
from pipeline.commands.user_purges import PURGES
from pipeline.handlers import SUBSCRIPTIONS
from pipeline.models import metadata

ANN, BOB, EVE = 7, 9, 10
ALL = "leads:read leads:write deals:read deals:write pipelines:write"
# They say who did something once, and change no more.
STAY = {
    "close_date_history.changed_by",
    "conversions.assigned_to",
    "conversions.created_by",
    "deal_exports.created_by",
    "deal_imports.created_by",
    "deal_transfers.user_id",
    "lead_exports.created_by",
    "lead_imports.created_by",
    "lead_transfers.user_id",
    "stage_history.moved_by",
}


@pytest.fixture
def people(superuser, company_id):
    for user_id in (ANN, BOB, EVE):
        superuser.execute(
            "INSERT INTO user_refs (company_id, user_id, version) VALUES (%s, %s, 1)", (company_id, user_id)
        )


@pytest.fixture
def purge(database, company_id, people):
    def take(transfer_to=None):
        user = {"first_name": "Former", "last_name": "user", "email": "", "is_active": False}
        before = {"user_id": BOB, "user": user, "status": "deactivated"}
        data = {"before": before, "after": None, "changed": [], "transfer_to": transfer_to, "activities": "keep"}
        event = neighbours_event("user_company.purged", "user_companies/9", company_id, 5, data, actor=ANN)
        for _ in range(2):
            hand_to(SUBSCRIPTIONS.handlers, database, event)
            PURGES.work(database, Flag())

    return take


@pytest.mark.parametrize("heir", [EVE, None])
def test_leads_and_deals_go_to_who_was_named_or_to_nobody(
    *, client_of, company_id, create_lead, create_deal, deal_stages, purge, superuser, told, heir, people
):
    bob = client_of(company_id, ALL, user_id=BOB)
    create_lead(bob, assigned_to=BOB)
    create_lead(bob, assigned_to=EVE)
    deal = create_deal(bob, assigned_to=BOB)
    won = bob.post(f"/v1/deals/{deal['id']}/win", json={}, version=deal["version"])
    assert won.status_code == 200, won.text
    gone = create_deal(bob, assigned_to=BOB)
    assert bob.delete(f"/v1/deals/{gone['id']}", version=gone["version"]).status_code == 204
    before = len(told())
    purge(heir)
    query = "SELECT assigned_to, created_by FROM leads WHERE company_id = %s ORDER BY id"
    assert superuser.execute(query, (company_id,)).fetchall() == [(heir, None), (EVE, None)]
    query = "SELECT assigned_to, created_by, closed_by FROM deals WHERE company_id = %s ORDER BY id"
    assert superuser.execute(query, (company_id,)).fetchall() == [(heir, None, None)] * 2
    assert len(told()) == before + 4
    assert_each_follows([each for each in told() if each["subject"].partition("/")[0] in {"leads", "deals"}])


def test_everything_that_names_users_is_thought_of():
    """A new column that names a user is handed on, emptied, or said here to stay."""
    assert naming_users(metadata) - seen_to(PURGES) == STAY
