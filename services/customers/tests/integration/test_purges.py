"""What is purged is gone: no table tells of it any more but those that are emptied by themselves."""

import itertools

import pytest
from psycopg import sql

CANARY = "canary4711"
# Each is emptied after a while, which docs/operations.md says under "What a purge leaves".
EMPTIED_BY_THEMSELVES = {"outbox", "idempotency_keys"}


@pytest.fixture
def client(client_of, company_id):
    return client_of(company_id, "customers:read customers:write customers:purge")


@pytest.fixture
def tells(superuser):
    """The tables that have the canary in one of their rows, as text or in bytes."""

    def look():
        tables = superuser.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        found = set()
        for (table,) in tables:
            query = sql.SQL("SELECT 1 FROM {} t WHERE t::text ILIKE ANY (%s) LIMIT 1").format(sql.Identifier(table))
            if superuser.execute(query, ([f"%{CANARY}%", f"%{CANARY.encode().hex()}%"],)).fetchone():
                found.add(table)
        return found

    return look


_names = itertools.count(1)


def create(client, **values):
    return client.post("/v1/customers", json={"name": f"Person {next(_names)}"} | values).json["id"]


def person(client):
    """A customer with the canary wherever there is room for it."""
    values = {"name": CANARY, "email": f"{CANARY}@example.com", "notes": CANARY, "tags": [CANARY], "website": CANARY}
    known = client.post("/v1/customers", json=values, headers={"Idempotency-Key": CANARY}).json["id"]
    contact = {"first_name": CANARY, "email": f"{CANARY}@example.com"}
    assert client.post(f"/v1/customers/{known}/contacts", json=contact).status_code == 201
    return known


def merge(client, target, version, *sources):
    body = {"from": [{"id": source, "version": 1} for source in sources]}
    answer = client.post(f"/v1/customers/{target}/merge", json=body, version=version)
    assert answer.status_code == 200, answer.json
    return answer.json["merge"]["id"]


def purge(client, known):
    version = client.get(f"/v1/customers?id={known}&archived_at[is_null]=true").json["data"][0]["version"]
    answer = client.post(f"/v1/customers/{known}/purge", version=version)
    assert answer.status_code == 204, answer.json


def keep_alone(client):
    return person(client)


def take_another_in(client):
    known = person(client)
    merge(client, known, 1, create(client))
    return known


def be_merged(client):
    target = create(client)
    merge(client, target, 1, person(client))
    return target


def be_merged_and_come_back(client):
    target, known = create(client), person(client)
    done = merge(client, target, 1, known)
    assert client.post(f"/v1/customers/merges/{done}/undo").status_code == 200
    return known


@pytest.mark.parametrize("way", [keep_alone, take_another_in, be_merged, be_merged_and_come_back])
def test_a_person_who_is_purged_is_in_no_table_that_lasts(client, tells, way):
    known = way(client)
    assert {"customers", "contacts", "customer_tags"} <= tells()
    purge(client, known)
    assert tells() <= EMPTIED_BY_THEMSELVES
    assert client.get(f"/v1/customers/{known}").status_code == 404


def test_merges_that_tell_of_a_purged_customer_go_each_with_its_event(client, superuser, company_id):
    target, source = create(client), create(client)
    done = merge(client, target, 1, source)
    client.post(f"/v1/customers/merges/{done}/undo")
    other = merge(client, create(client), 1, create(client))
    purge(client, source)
    assert [row["id"] for row in client.get("/v1/customers/merges").json["data"]] == [other]
    rows = superuser.execute(
        "SELECT aggregate_id, aggregate_version FROM outbox WHERE company_id = %s AND type = 'crm.customer_merge.purged.v1'",
        (company_id,),
    ).fetchall()
    assert rows == [(done, 3)]
    assert client.get(f"/v1/customers/{target}").status_code == 200
