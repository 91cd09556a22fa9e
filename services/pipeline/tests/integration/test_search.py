"""Search of leads and deals by what people remember of them; best first."""

import psycopg
import pytest

from chassis.testing.databases import create_database, drop_database
from chassis.testing.plans import nodes_of, rows_read

OWN, OTHER, ROWS, OF_OTHERS = 720_000, 720_001, 100, 5000


@pytest.fixture
def leads(create_lead):
    return {
        name: create_lead(lead_name=name, **values)["id"]
        for name, values in {
            "Ada Lovelace": {"email": "ada@engines.example", "phone": "+49 30 123456"},
            "Zoë Müller-Weiß": {"description": "Asked for a quote of the\ndifference engine, knows Ada."},
            "Adam Smith": {"email": "adam@wealth.example", "phone": "030 7654321"},
            "Grace Hopper": {"description": "Rang from 030 7654321"},
        }.items()
    }


@pytest.fixture
def deals(create_deal):
    return {
        name: create_deal(deal_name=name, **values)["id"]
        for name, values in {
            "Engine licence 2026-11": {"notes": "Ada wants a discount.\nCall again."},
            "Ada's upgrade": {},
            "Café furniture": {},
        }.items()
    }


def search(client, nouns, words, **parameters):
    answer = client.get(f"/v1/{nouns}", query_string={"q": words} | parameters)
    assert answer.status_code == 200, answer.json
    return [row["lead_name" if nouns == "leads" else "deal_name"] for row in answer.json["data"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ada lovelace", ["Ada Lovelace"]),
        ("lovel", ["Ada Lovelace"]),
        ("ada", ["Adam Smith", "Ada Lovelace", "Zoë Müller-Weiß"]),
        ("ADA@engines.example", ["Ada Lovelace"]),
        ("engines.example", ["Ada Lovelace"]),
        ("+49 30 123456", ["Ada Lovelace"]),
        ("30-1234", ["Ada Lovelace"]),
        # Whose number it is, and not who has it in a text.
        ("030 7654321", ["Adam Smith"]),
        ("zoe muller", ["Zoë Müller-Weiß"]),
        ("the difference", ["Zoë Müller-Weiß"]),
        ("xylophone", []),
        # As matching has it.
        ("mueller", ["Zoë Müller-Weiß"]),
        ("030 123456", ["Ada Lovelace"]),
        # With a typing error.
        ("lovelcae", ["Ada Lovelace"]),
        ("muelller", ["Zoë Müller-Weiß"]),
        ("hoper grace", ["Grace Hopper"]),
    ],
)
def test_leads_are_found(client, leads, words, found):
    assert search(client, "leads", words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ada", ["Ada's upgrade", "Engine licence 2026-11"]),
        ("licence 2026-11", ["Engine licence 2026-11"]),
        ("2026-11", ["Engine licence 2026-11"]),
        ("discount. call", ["Engine licence 2026-11"]),
        ("cafe", ["Café furniture"]),
        ("xylophone", []),
        ("furnitrue", ["Café furniture"]),
        ("upgraed", ["Ada's upgrade"]),
    ],
)
def test_deals_are_found(client, deals, words, found):
    assert search(client, "deals", words) == found


@pytest.mark.usefixtures("leads", "deals")
@pytest.mark.parametrize("nouns", ["leads", "deals"])
def test_no_record_of_another_tenant_is_found(client_of, company_id, nouns):
    assert search(client_of(company_id + 10**9), nouns, "ada") == []


@pytest.mark.usefixtures("leads", "deals")
@pytest.mark.parametrize(("nouns", "create"), [("leads", "create_lead"), ("deals", "create_deal")])
def test_who_sees_their_own_alone_finds_no_other(client_of, company_id, request, nouns, create):
    own = client_of(company_id, f"{nouns}:read:own {nouns}:write", user_id=8)
    name = "lead_name" if nouns == "leads" else "deal_name"
    request.getfixturevalue(create)(own, **{name: "Ada again"})
    assert search(own, nouns, "ada") == ["Ada again"]
    assert search(own, nouns, "engine") == []


@pytest.mark.parametrize(("nouns", "name"), [("leads", "Ada Lovelace"), ("deals", "Ada's upgrade")])
def test_an_archived_record_is_found_where_it_is_asked_for_alone(client, leads, deals, nouns, name):
    record = (leads if nouns == "leads" else deals)[name]
    assert client.delete(f"/v1/{nouns}/{record}", version=1).status_code == 204
    assert search(client, nouns, name) == []
    assert search(client, nouns, name, **{"archived_at[is_null]": "false"}) == [name]


def test_a_changed_lead_is_found_by_what_it_is_now(client, leads):
    values = {"lead_name": "Countess", "email": "countess@engines.example", "phone": None}
    path = f"/v1/leads/{leads['Ada Lovelace']}"
    assert client.patch(path, json=values, version=1).status_code == 200
    assert search(client, "leads", "countess@engines.example") == ["Countess"]
    assert search(client, "leads", "+49 30 123456") == []


@pytest.mark.parametrize("stored", ["müller.example", "xn--mller-kva.example"])
def test_the_lead_with_an_address_is_found_in_unicode_and_in_ascii(client, create_lead, stored):
    create_lead(lead_name="Brewer", email=f"Info@{stored}")
    create_lead(lead_name="Miller", email="info@mueller.example")
    for domain in ("müller.example", "MÜLLER.example", "xn--mller-kva.example"):
        assert search(client, "leads", f"info@{domain}") == ["Brewer"], domain


FILL = {
    "leads": """
        INSERT INTO leads (company_id, lead_name, email, email_norm, phone, phone_tail, name_norm, description, created_at)
        SELECT %(company)s, 'Person ' || i, 'p' || i || '@x.example', 'p' || i || '@x.example', '030' || 1000000 + i,
            '030' || 1000000 + i, 'person ' || i, 'Asks for ' || md5(i::text), now() - i * interval '1 minute'
        FROM generate_series(1, %(rows)s) i
    """,
    "deals": """
        INSERT INTO deals (company_id, customer_id, deal_name, deal_value, pipeline_id, stage_id, notes, created_at)
        SELECT %(company)s, 1, 'Person ' || i, i, 1, 1, 'Asks for ' || md5(i::text), now() - i * interval '1 minute'
        FROM generate_series(1, %(rows)s) i
    """,
}


@pytest.fixture(scope="module")
def filled(postgres_url):
    urls = create_database(postgres_url, "pipeline")
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        # What leads and deals belong to is no part of a search; this leaves out its checks and keeps the searched text.
        for table in ("leads", "deals"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER keep_search_text")
            for company, rows in ((OTHER, OF_OTHERS), (OWN, ROWS)):
                connection.execute(FILL[table], {"company": company, "rows": rows})
        connection.execute("VACUUM ANALYZE leads, deals")
        yield connection
    drop_database(postgres_url, urls)


@pytest.mark.parametrize("table", ["leads", "deals"])
@pytest.mark.parametrize(
    "words", ["person 42", "p42@x.example", "0301000042", "asks", "persno", "askspersn 77", "nobody at all"]
)
def test_a_search_reads_no_record_of_another_tenant(filled, table, words):
    query = {"leads": "SELECT * FROM search_leads(%s, 100, NULL)", "deals": "SELECT * FROM search_deals(%s, 100)"}
    nodes = nodes_of(filled, OWN, query[table], words)
    read = [node for node in nodes if node.get("Relation Name") == table or "Index Name" in node]
    assert read
    assert "Seq Scan" not in [node["Node Type"] for node in read]
    assert max(rows_read(node) for node in read) <= ROWS, read


@pytest.mark.parametrize(("often", "newer"), [(8, 0), (8, 40), (120, 0), (120, 300)])
def test_of_more_deals_than_are_ranked_the_newest_come_first(filled, often, newer):
    """A word that `often` deals have, under `newer` ones without it; five are ranked."""
    with filled.transaction(force_rollback=True):
        filled.execute("DELETE FROM deals WHERE company_id = %s", [OWN])
        filled.execute(FILL["deals"], {"company": OWN, "rows": often + newer})
        filled.execute("UPDATE deals SET created_at = now() + id * interval '1 second' WHERE company_id = %s", [OWN])
        named = filled.execute(
            """
            UPDATE deals SET deal_name = 'Haus Nordlicht' WHERE company_id = %s
            AND id IN (SELECT id FROM deals WHERE company_id = %s ORDER BY id LIMIT %s) RETURNING id
            """,
            [OWN, OWN, often],
        ).fetchall()
        filled.execute("SELECT set_config('app.company_id', %s, true)", [str(OWN)])
        found = filled.execute("SELECT id FROM search_deals('nordlicht', 5)").fetchall()
        assert found == sorted(named, reverse=True)[:5]


@pytest.mark.parametrize("words", ["it", "IT", "t会", "本", "社"])
def test_what_the_index_does_not_know_is_found_among_the_newest_deals(filled, words):
    with filled.transaction(force_rollback=True):
        [(named,)] = filled.execute(
            """
            UPDATE deals SET deal_name = '日本IT会社', notes = NULL WHERE company_id = %s
            AND id = (SELECT id FROM deals WHERE company_id = %s ORDER BY created_at LIMIT 1) RETURNING id
            """,
            [OWN, OWN],
        ).fetchall()
        filled.execute("SELECT set_config('app.company_id', %s, true)", [str(OWN)])
        found = filled.execute("SELECT id FROM search_deals(%s, 100)", [words]).fetchall()
        assert (named,) in found


@pytest.mark.parametrize(
    ("words", "ranks"), [("müller", (2, 3, 4, 3)), ("mueller", (2, 3, 4, 3)), ("Muller", (2, 2, 4, 3))]
)
def test_who_is_found_in_several_ways_is_found_once_by_the_best(filled, words, ranks):
    with filled.transaction(force_rollback=True):
        filled.execute("SELECT set_config('app.company_id', %s, true)", [str(OWN)])
        ids = []
        for name in ("Haus Müller", "Mueller AG", "Müller", "Müller, Muller und Mueller"):
            [(number,)] = filled.execute(
                """
                UPDATE deals SET deal_name = %s, notes = 'müller mueller muller', created_at = now() WHERE company_id = %s
                AND id = (SELECT min(id) FROM deals WHERE company_id = %s AND NOT id = ANY (%s)) RETURNING id
                """,
                [name, OWN, OWN, ids],
            ).fetchall()
            ids.append(number)
        found = filled.execute("SELECT id, rank FROM search_deals(%s, 100)", [words]).fetchall()
        assert found == sorted(zip(ids, ranks, strict=True), key=lambda each: (each[1], each[0]), reverse=True)
