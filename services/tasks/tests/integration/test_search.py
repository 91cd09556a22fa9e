"""Search of tasks by the words of their titles and descriptions; best first."""

import psycopg
import pytest

from chassis.db import search_migration
from chassis.testing.databases import create_database, drop_database
from chassis.testing.plans import nodes_of, rows_read

COMPANY, OTHER, ROWS = 710_000, 710_001, 5000


@pytest.fixture
def made(client, create):
    return {
        title: create(client, title=title, **values)["id"]
        for title, values in {
            "Call Ada Lovelace": {"description": "About the analytical engine.\nBring the contract of 2026-11."},
            "Ada's invoice": {},
            "Prüfe das Angebot": {"description": "x" * 5000 + " beyond"},
            "Send the Café menu": {"description": "for Ada Lovelace"},
        }.items()
    }


def search(client, words, **parameters):
    answer = client.get("/v1/tasks", query_string={"q": words} | parameters)
    assert answer.status_code == 200, answer.json
    return [row["title"] for row in answer.json["data"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("call ada", ["Call Ada Lovelace"]),
        ("ada", ["Ada's invoice", "Send the Café menu", "Call Ada Lovelace"]),
        ("engine. bring", ["Call Ada Lovelace"]),
        ("2026-11", ["Call Ada Lovelace"]),
        ("CAFE", ["Send the Café menu"]),
        ("prufe", ["Prüfe das Angebot"]),
        ("beyond", []),
        ("xylophone", []),
        # With a typing error.
        ("lovelcae", ["Send the Café menu", "Call Ada Lovelace"]),
        ("angeobt", ["Prüfe das Angebot"]),
        ("analytcial engine", ["Call Ada Lovelace"]),
    ],
)
def test_words_are_found_wherever_they_stand(client, made, words, found):
    assert search(client, words) == found


def test_a_changed_task_is_found_by_what_it_is_now(client, made):
    task = made["Ada's invoice"]
    assert client.patch(f"/v1/tasks/{task}", json={"description": "Zebra"}, version=1).status_code == 200
    assert search(client, "zebra") == ["Ada's invoice"]
    assert client.patch(f"/v1/tasks/{task}", json={"description": None}, version=2).status_code == 200
    assert search(client, "zebra") == []


def test_search_goes_with_filters_and_pages(client, made):
    assert search(client, "ada", customer_id=1) == []
    answer = client.get("/v1/tasks?q=ada&include=total&limit=1").json
    assert answer["page"]["total"] == 3
    assert search(client, "ada", cursor=answer["page"]["next_cursor"])[0] == "Send the Café menu"
    assert client.get("/v1/tasks?q=ada&sort=due_date").json["errors"][0]["code"] == "not_with_search"


def test_no_task_of_another_tenant_is_found(client_of, company_id, made):
    assert search(client_of(company_id + 10**9), "ada") == []


def test_who_sees_their_own_alone_finds_no_other(client_of, company_id, known, create, made):
    own = client_of(company_id, "tasks:read:own tasks:write", user_id=8)
    create(own, title="Ada again")
    assert search(own, "ada") == ["Ada again"]
    assert search(own, "lovelcae") == []


def test_an_archived_task_is_found_where_it_is_asked_for_alone(client, made):
    assert client.delete(f"/v1/tasks/{made['Call Ada Lovelace']}", version=1).status_code == 204
    assert search(client, "call ada") == []
    assert search(client, "call ada", **{"archived_at[is_null]": "false"}) == ["Call Ada Lovelace"]


@pytest.fixture(scope="module")
def filled(postgres_url):
    urls = create_database(postgres_url, "tasks")
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO user_refs (company_id, user_id) VALUES (%s, 7), (%s, 7)", (COMPANY, OTHER))
        for company, rows in ((OTHER, ROWS), (COMPANY, 100)):
            connection.execute(
                "INSERT INTO tasks (company_id, title, description, assigned_to, created_at)"
                " SELECT %s, 'Call person ' || i, 'Order ' || md5(i::text), 7, now() - i * interval '1 minute'"
                " FROM generate_series(1, %s) i",
                (company, rows),
            )
        connection.execute("VACUUM ANALYZE tasks")
        yield connection
    drop_database(postgres_url, urls)


@pytest.mark.parametrize("words", ["call person 42", "order", "persno", "callpersno 77", "nobody at all"])
def test_a_search_reads_no_task_of_another_tenant(filled, words):
    nodes = nodes_of(filled, COMPANY, "SELECT * FROM search_tasks(%s, 100)", words)
    read = [node for node in nodes if node.get("Relation Name") == "tasks" or "Index Name" in node]
    assert read
    assert "Seq Scan" not in [node["Node Type"] for node in read]
    assert max(rows_read(node) for node in read) <= 100, read


def test_the_migration_writes_the_text_of_all_tasks_that_there_were_before(filled):
    filled.execute("ALTER TABLE tasks DISABLE TRIGGER keep_search_text")
    filled.execute("UPDATE tasks SET search_text = NULL")
    filled.execute("ALTER TABLE tasks ENABLE TRIGGER keep_search_text")
    filled.execute(search_migration._FILL.format(table="tasks"))
    [(written, others)] = filled.execute(
        "SELECT count(*) FILTER (WHERE search_text LIKE 'call person %'), count(*) FROM tasks"
    ).fetchall()
    assert (written, others) == (ROWS + 100, ROWS + 100)
