"""Keys of the records that there are are made anew by an operator: only what differs is written, wherever it was stopped."""

import pytest
from psycopg import sql

from chassis.db.session import Database
from chassis.rekeying import Rekeying
from customers.commands.pairs import compare_all_again
from customers.operators import KEYED

KEYS = (
    "SELECT id, email_norm, phone_e164, phone_tail, domain_norm, name_norm, name_two FROM customers"
    " WHERE company_id = %s ORDER BY id"
)


@pytest.fixture
def rekey(migrated, company_id, superuser):
    """Make all keys anew, from this company on; answers what was said of it."""
    database = Database(migrated("customers").owner, application_name="rekeying")
    superuser.execute("INSERT INTO company_refs (company_id, version, region) VALUES (%s, 1, 'DE')", (company_id,))

    def run(**options):
        said = []
        rekeying = Rekeying(database, KEYED, said.append, then=compare_all_again, **options)
        rekeying.run(company_id)
        return next(line for line in said if line.startswith(f"company {company_id}:"))

    yield run
    database.dispose()


@pytest.fixture
def known(client, create, rekey):
    """Customers with a person, as they are before their keys are lost."""
    for values in (
        {
            "name": "Müller GmbH",
            "email": "Info@Müller.example",
            "phone": "030 1234567",
            "website": "https://www.m.example",
        },
        {"name": "Smith", "phone": "(312) 555-0142", "country": "United States"},
        {"name": "कमल"},
    ):
        made = create(client, **values)
        person = {"first_name": "Ebru", "email": "E@x.example", "phone": "0171 1234567"}
        assert client.post(f"/v1/customers/{made['id']}/contacts", json=person).status_code == 201
    return made


def spoil(superuser, company_id, *columns):
    for column in columns:
        superuser.execute(
            sql.SQL("UPDATE customers SET {} = NULL WHERE company_id = %s").format(sql.Identifier(column)),
            (company_id,),
        )


def test_keys_that_are_missing_or_old_are_made_and_nothing_is_told_of_what_nobody_sees(
    superuser, company_id, known, rekey
):
    before = superuser.execute(KEYS, (company_id,)).fetchall()
    count = "SELECT count(*), (SELECT sum(version) FROM customers WHERE company_id = %(c)s) FROM outbox WHERE company_id = %(c)s"
    told = superuser.execute(count, {"c": company_id}).fetchone()
    spoil(superuser, company_id, "email_norm", "name_two", "domain_norm")
    superuser.execute("UPDATE customers SET name_norm = 'old' WHERE company_id = %s", (company_id,))
    superuser.execute("UPDATE contacts SET email_norm = NULL WHERE company_id = %s", (company_id,))
    assert rekey() == f"company {company_id}: customers 3 of 3 made anew, contacts 3 of 3 made anew"
    assert superuser.execute(KEYS, (company_id,)).fetchall() == before
    assert superuser.execute(count, {"c": company_id}).fetchone() == told
    assert rekey() == f"company {company_id}: customers 0 of 3 made anew, contacts 0 of 3 made anew"


def test_a_number_that_a_record_shows_is_changed_with_its_event(client, superuser, company_id, known, rekey):
    superuser.execute(
        "UPDATE customers SET phone_e164 = '+491' WHERE company_id = %s AND name = 'Smith'", (company_id,)
    )
    assert "customers 1 of 3" in rekey()
    [smith] = client.get("/v1/customers?name=Smith").json["data"]
    assert (smith["phone_e164"], smith["version"]) == ("+13125550142", 2)
    query = "SELECT type FROM outbox WHERE company_id = %s ORDER BY id DESC LIMIT 1"
    assert superuser.execute(query, (company_id,)).fetchone() == ("crm.customer.updated.v1",)


def test_who_dies_on_the_way_has_lost_nothing_and_goes_on(superuser, company_id, known, rekey, monkeypatch):
    before = superuser.execute(KEYS, (company_id,)).fetchall()
    spoil(superuser, company_id, "name_norm")
    monkeypatch.setattr("chassis.rekeying.PAGE", 1)
    written = Rekeying._write
    calls = []

    def dies(self, session, kind, record_id, keys):
        calls.append(record_id)
        if len(calls) == 3:
            raise KeyboardInterrupt
        written(self, session, kind, record_id, keys)

    monkeypatch.setattr(Rekeying, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        rekey()
    monkeypatch.setattr(Rekeying, "_write", written)
    assert "customers 1 of 3 made anew" in rekey()
    assert superuser.execute(KEYS, (company_id,)).fetchall() == before
