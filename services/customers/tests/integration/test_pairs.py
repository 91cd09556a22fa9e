"""Pairs of customers that are probably the same: kept by a job, listed best first, dismissed for good."""

import time
from datetime import timedelta
from threading import Event as Flag

import pytest
from psycopg import sql

from chassis.context import Context, acting_as
from chassis.db import pages
from chassis.db.listing import Shape
from chassis.testing.plans import plan_of
from customers import handlers
from customers.commands import pairs as commands
from customers.queries.pairs import PAIRS

AT_ONCE = timedelta(0)
PATH = "/v1/customers/duplicates"


@pytest.fixture
def compare(database, superuser, company_id, monkeypatch):
    """Let the job run, of what has changed until now."""
    superuser.execute("INSERT INTO company_refs (company_id, version) VALUES (%s, 1)", (company_id,))

    def run():
        with acting_as(Context(company_id=company_id)):
            more = True
            while more:
                with database.transaction() as session:
                    more = commands.compare_customers(session, AT_ONCE)

    return run


def pairs(client, **query):
    answer = client.get(PATH, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json["data"]


def ids(client, **query):
    return [(row["customer"]["id"], row["other"]["id"]) for row in pairs(client, **query)]


@pytest.fixture
def twins(client, create, compare):
    """Two pairs: one by address and name, one by name alone; and somebody else."""
    made = [
        create(client, name=name, **values)["id"]
        for name, values in (
            ("Müller GmbH", {"email": "info@mueller.example", "customer_type": "business"}),
            ("Mueller", {"email": "INFO@mueller.example"}),
            ("Zoë Weiß", {}),
            ("Zoe Weiss", {}),
            ("Somebody Else", {}),
        )
    ]
    compare()
    return made


def test_pairs_are_listed_best_first_with_who_they_are_and_why(client, twins):
    rows = pairs(client)
    assert [(row["score"], [reason["key"] for reason in row["reasons"]]) for row in rows] == [
        (98, ["email_norm", "name_norm"]),
        (60, ["name_norm"]),
    ]
    assert ids(client) == [(twins[0], twins[1]), (twins[2], twins[3])]
    assert rows[0]["customer"]["name"] == "Müller GmbH"
    assert rows[0]["other"]["email"] == "INFO@mueller.example"
    assert ids(client, **{"score[gte]": 90}) == [(twins[0], twins[1])]


def test_pages_hold_every_pair_once(client, create, compare):
    for _ in range(7):
        create(client, name="Twin")
    compare()
    found, cursor = [], {}
    while cursor is not None:
        answer = client.get(PATH, query_string={"limit": 4, "include": "total"} | cursor).json
        found += [row["id"] for row in answer["data"]]
        following = answer["page"]["next_cursor"]
        cursor = following and {"cursor": following}
    assert len(found) == len(set(found)) == answer["page"]["total"] == 21


def test_a_pair_goes_when_one_is_another_now_and_comes_when_one_becomes_alike(client, twins, compare):
    answer = client.patch(f"/v1/customers/{twins[3]}", json={"name": "Somebody else"}, version=1)
    assert answer.status_code == 200
    compare()
    assert ids(client) == [(twins[0], twins[1]), (twins[3], twins[4])]


def test_a_pair_of_which_one_is_archived_or_merged_is_shown_no_more_even_before_the_job(client, twins, compare):
    assert client.delete(f"/v1/customers/{twins[2]}", version=1).status_code == 204
    body = {"from": [{"id": twins[1], "version": 1}]}
    assert client.post(f"/v1/customers/{twins[0]}/merge", json=body, version=1).status_code == 200
    assert ids(client) == []
    compare()
    assert ids(client) == []
    assert client.post(f"/v1/customers/{twins[2]}/restore").status_code == 200
    compare()
    assert ids(client) == [(twins[2], twins[3])]


def test_a_dismissed_pair_is_remembered_whatever_changes_and_can_be_reopened(client, twins, compare):
    pair = pairs(client)[0]
    for _ in range(2):
        answer = client.post(f"{PATH}/{pair['id']}/dismiss")
        assert (answer.status_code, answer.json["dismissed_by"], answer.json["version"]) == (200, 7, 2)
    assert client.patch(f"/v1/customers/{twins[1]}", json={"city": "Rome"}, version=1).status_code == 200
    compare()
    assert ids(client) == [(twins[2], twins[3])]
    assert ids(client, **{"dismissed_at[is_null]": "false"}) == [(twins[0], twins[1])]
    assert client.post(f"{PATH}/{pair['id']}/reopen").json["dismissed_at"] is None
    assert ids(client)[0] == (twins[0], twins[1])


def test_nobody_sees_or_dismisses_a_pair_of_another_tenant_or_of_others_customers(client, client_of, company_id, twins):
    pair = pairs(client)[0]["id"]
    for other in (
        client_of(company_id + 10**9),
        client_of(company_id, "customers:read:own customers:write", user_id=8),
    ):
        assert pairs(other) == []
        assert other.post(f"{PATH}/{pair}/dismiss").status_code == 404
    reader = client_of(company_id, "customers:read")
    assert reader.post(f"{PATH}/{pair}/dismiss").status_code == 403
    assert ids(client)[0] == (twins[0], twins[1])


def test_the_job_looks_at_what_has_settled_and_goes_on_where_it_was(client, twins, compare, database, company_id):
    compared = ids(client)
    assert client.patch(f"/v1/customers/{twins[4]}", json={"city": "Rome"}, version=1).status_code == 200
    with database.session() as session:
        assert company_id in commands.companies_to_compare(session, AT_ONCE, most=10**6)
        assert company_id not in commands.companies_to_compare(session, timedelta(days=1), most=10**6)
    compare()
    with database.session() as session:
        assert company_id not in commands.companies_to_compare(session, AT_ONCE, most=10**6)
    with acting_as(Context(company_id=company_id)), database.transaction() as session:
        assert commands.compare_customers(session, AT_ONCE) is False
        commands.compare_all_again(session)
    compare()
    assert ids(client) == compared
    assert pairs(client)[0]["version"] == 1


def test_the_job_of_the_worker_keeps_pairs_of_what_settled(client, twins, superuser, company_id, database):
    found = ids(client)
    for table in ("customer_duplicates", "customer_comparisons"):
        superuser.execute(sql.SQL("DELETE FROM {} WHERE company_id = %s").format(sql.Identifier(table)), (company_id,))
    superuser.execute("UPDATE customers SET updated_at = now() - interval '1 day' WHERE company_id = %s", (company_id,))
    handlers.compare_customers(database, Flag())
    assert ids(client) == found


@pytest.mark.parametrize("after", [False, True])
def test_the_list_is_read_in_the_order_of_its_index(migrated, company_id, after):
    shape = Shape(None, (), (("score", True),), 50, after)
    given = {"k0": 80, "k1": 1} if after else {}
    nodes = plan_of(migrated("customers").app, Context(company_id=company_id), pages._page(PAIRS, shape), given)
    read = [node for node in nodes if node.get("Relation Name") in ("customer_duplicates", "customers")]
    assert {node["Node Type"] for node in read} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, read


def test_nobody_is_looked_for_one_by_one_who_has_nothing_in_common_with_anybody(
    client, create, compare, twins, monkeypatch
):
    looked_for = []
    plain = commands.find_duplicates
    monkeypatch.setattr(
        commands, "find_duplicates", lambda *given, but: looked_for.extend(but) or plain(*given, but=but)
    )
    strangers = [create(client, name=f"Stranger {number}")["id"] for number in range(30)]
    third = create(client, name="Zoé Weiss")["id"]
    compare()
    assert looked_for == [third]
    assert not set(strangers) & {number for pair in ids(client) for number in pair}
    assert sum(third in pair for pair in ids(client)) == 2


def test_a_firm_and_somebody_of_the_same_name_are_a_pair(client, create, compare):
    firm = create(client, name="Lund Foods AB", customer_type="business")["id"]
    other = create(client, name="Lund Foods AB")["id"]
    create(client, name="Lund")
    compare()
    assert ids(client) == [(firm, other)]


def test_the_job_rests_longer_than_it_works(database, company_id, twins, superuser, monkeypatch):
    rests = []

    class Patient(Flag):
        def wait(self, timeout=None):
            rests.append(timeout)
            return False

    superuser.execute("DELETE FROM customer_comparisons WHERE company_id = %s", (company_id,))
    monkeypatch.setattr(commands, "companies_to_compare", lambda _: [company_id])
    turns = iter((True, True, False))
    monkeypatch.setattr(commands, "compare_customers", lambda _: time.sleep(0.05) or next(turns))
    handlers.compare_customers(database, Patient())
    assert rests[0] == pytest.approx(0.05)
    assert all(rest >= 0.05 * handlers.RESTS for rest in rests[1:])
    assert len(rests) == 3
