"""The demo data as it is made, before anybody stores it."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from chassis.matching_keys import matching_keys
from crm.client.demo import TENANTS, contacts, created_at, customers, write_csv
from crm.client.demo.selling import LEADS_STALE_AFTER, STALE_AFTER, deals, leads
from crm.client.demo.work import activities, tasks
from customers.rules.import_fields import CATALOGUE
from imports.proposal import Column, propose

MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)

tenants = pytest.mark.parametrize("tenant", TENANTS, ids=lambda tenant: tenant.key)


@tenants
def test_customers_are_the_same_at_every_run_and_their_dates_alone_move_on(tenant):
    assert customers(tenant) == customers(tenant)

    def rows(now):
        return [row[:-1] for row in csv.reader(io.StringIO(write_csv(tenant, now).decode()))]

    assert rows(MONDAY) == rows(MONDAY + timedelta(days=40))


def test_the_tenants_have_different_customers():
    ours, theirs = ({(customer.name, customer.phone) for customer in customers(tenant)} for tenant in TENANTS)
    assert not ours & theirs


@tenants
def test_every_column_is_understood_as_it_is(tenant):
    header, *rows = csv.reader(io.StringIO(write_csv(tenant, MONDAY).decode()))
    columns = [Column(name, [row[index] for row in rows[:200]]) for index, name in enumerate(header)]
    assert set(propose(columns, CATALOGUE).mapping) == set(header)
    assert 300 <= len(rows) <= 400


@tenants
def test_every_number_is_valid_where_the_customer_is(tenant):
    regions = {"United States": "US", "Canada": "CA", "United Kingdom": "GB", "Australia": "AU"}
    regions |= {"Germany": "DE", "France": "FR", "Sweden": "SE"}
    for customer in customers(tenant):
        for number in filter(None, (customer.phone, customer.second_phone)):
            assert phonenumbers.is_valid_number_for_region(phonenumbers.parse(number), regions[customer.country])


@tenants
@pytest.mark.parametrize("today", range(7))
def test_a_year_of_customers_rises_and_is_quiet_at_weekends(tenant, today):
    now = MONDAY + timedelta(days=today)
    dates = [created_at(customer, now) for customer in customers(tenant)]
    assert all(now - timedelta(days=365) < date < now for date in dates)
    days = Counter(date.weekday() for date in dates)
    assert 0 < max(days[5], days[6]) < min(days[day] for day in range(5)) / 2
    halves = Counter(date > now - timedelta(days=182) for date in dates)
    assert halves[True] > 1.3 * halves[False]


@tenants
def test_new_customers_are_prospects_and_old_ones_have_become_something(tenant):
    new = Counter(customer.status for customer in customers(tenant) if customer.days_ago <= 30)
    old = Counter(customer.status for customer in customers(tenant) if customer.days_ago > 120)
    assert new.most_common(1)[0][0] == "prospect"
    assert not {"lost", "inactive"} & set(new)
    assert old.most_common(1)[0][0] == "active"
    assert {"lost", "inactive"} <= set(old)


@tenants
def test_a_dozen_pairs_share_a_key_by_which_duplicates_are_found_and_no_others_do(tenant):
    sharing = Counter()
    for customer in customers(tenant):
        values = {"name": customer.name, "email": customer.email, "phone": customer.phone, "website": customer.website}
        sharing.update((name, key) for name, key in matching_keys(values).items() if key)
    pairs = {name for (name, _), count in sharing.items() if count > 1}
    assert max(sharing.values()) == 2
    assert pairs == {"email_norm", "phone_e164", "phone_tail", "name_norm", "domain_norm"}
    assert 12 <= sum(count - 1 for (name, _), count in sharing.items() if name != "phone_tail") <= 24


@tenants
def test_contacts_are_at_customers_that_are_there(tenant):
    codes = {customer.code for customer in customers(tenant)}
    made = contacts(tenant)
    assert 24 <= len(made) <= 60
    assert {contact.customer_code for contact in made} <= codes
    assert len({contact.email for contact in made}) == len(made)


@tenants
def test_work_is_a_year_of_every_kind_with_customers_that_were_there_by_then(tenant):
    ages = {customer.code: timedelta(days=customer.days_ago) for customer in customers(tenant)}
    made = activities(tenant)
    assert made == activities(tenant)
    assert {one.activity_type for one in made} == {"call", "email", "meeting", "note"}
    assert all(MONDAY - one.at(MONDAY) <= ages[one.customer_code] + timedelta(minutes=10) for one in made)
    assert max(MONDAY - one.at(MONDAY) for one in made) > timedelta(days=270)


@tenants
def test_tasks_are_overdue_due_today_and_to_come(tenant):
    today = MONDAY.date()
    days = Counter((one.due_on(today) > today) - (one.due_on(today) < today) for one in tasks(tenant))
    assert min(days[-1], days[0], days[1]) >= 6


@tenants
def test_a_year_of_deals_has_what_reports_are_about(tenant):
    found = deals(tenant)
    assert found == deals(tenant)
    stages = Counter(deal.stage for deal in found)
    assert all(stages[stage] >= 4 for stage in (*STALE_AFTER, "closed_won", "closed_lost"))
    assert stages["closed_won"] > stages["closed_lost"]
    open_ones = [deal for deal in found if deal.stage in STALE_AFTER]
    assert any(deal.days_ago > STALE_AFTER[deal.stage] for deal in open_ones)
    assert any(deal.expected_in is not None and deal.expected_in < 0 for deal in open_ones)
    assert all(deal.created_at(MONDAY) <= (deal.closed_at(MONDAY) or MONDAY) <= MONDAY for deal in found)
    assert len({lead.email for lead in leads(tenant)}) == len(leads(tenant))


@tenants
def test_a_year_of_leads_has_all_ages_and_some_that_nobody_looked_after(tenant):
    found = leads(tenant)
    assert found == leads(tenant)
    stages = Counter(lead.stage for lead in found)
    assert all(stages[stage] >= 3 for stage in (*LEADS_STALE_AFTER, "Closed Lost"))
    ages = [MONDAY - lead.created_at(MONDAY) for lead in found]
    assert min(ages) < timedelta(days=14)
    assert timedelta(days=270) < max(ages) < timedelta(days=366)
    assert all(lead.created_at(MONDAY) <= (lead.closed_at(MONDAY) or MONDAY) <= MONDAY for lead in found)
    assert all((lead.lost_after is None) == (lead.stage != "Closed Lost") for lead in found)
    open_ones = [lead for lead in found if lead.lost_after is None]
    assert any(lead.days_ago > LEADS_STALE_AFTER[lead.stage] for lead in open_ones)
    assert any(lead.days_ago < LEADS_STALE_AFTER[lead.stage] for lead in open_ones)
    assert any(lead.expected_in is not None and lead.expected_in < 0 for lead in open_ones)
