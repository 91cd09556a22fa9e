"""Lists: their grammar, pages that hold each record once while others write, and what a cursor is good for."""

import itertools
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.db.listing import LARGEST_PAGE_BYTES
from chassis.testing.fixtures import Client
from chassis.web import listing
from sample.queries.books import BOOKS

_companies = itertools.count(5 * 10**11)
SINGLE = [sign + name for name in BOOKS.sorts for sign in ("", "-")]
MIXED = ["title,-created_at", "-updated_at,title", "-title,-created_at,updated_at", "-status,shelf_mark"]


def titles(answer):
    assert answer.status_code == 200, answer.json
    return [row["title"] for row in answer.json["data"]]


def walked(client, path):
    """All records on all pages from `path` on, found by the links."""
    found = []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.json
        page = answer.json["page"]
        assert page["has_more"] is (page["next_cursor"] is not None)
        found += answer.json["data"]
        assert len(found) < 500, "it goes in circles"
        path = answer.headers.get("Link", "").removeprefix("<").partition(">")[0]
    return found


@pytest.fixture
def seven(create):
    """Seven books; their titles, oldest first."""
    names = [f"Book {letter}" for letter in "ABCDEFG"]
    for index, title in enumerate(names):
        create(title=title, status="lent" if index % 2 else "present", shelf_mark="B 1" if index < 3 else None)
    return names


def test_the_link_to_the_next_page_asks_what_was_asked_in_whatever_letters(client, create):
    odd = "C&A = 100 % +ü/?#"
    for number in range(3):
        create(title=f"{odd} {number}", shelf_mark="A+B")
    asked = [("title[contains]", odd), ("shelf_mark", "A+B"), ("limit", "1"), ("sort", "-title")]
    answer = client.get(f"/v1/books?{urlencode(asked)}")
    path = answer.headers["Link"].removeprefix("<").partition(">")[0]
    cursor = answer.json["page"]["next_cursor"]
    assert parse_qsl(path.partition("?")[2], strict_parsing=True) == [*asked, ("cursor", cursor)]
    following = client.get(path)
    second = following.headers["Link"].removeprefix("<").partition(">")[0]
    assert parse_qsl(second.partition("?")[2]) == [*asked, ("cursor", following.json["page"]["next_cursor"])]
    assert [row["title"][-1] for row in walked(client, path)] == ["1", "0"]


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "title", "-title", "title,-created_at"])
def test_pages_cover_every_row_once_in_order(client, seven, sort):
    found = [row["title"] for row in walked(client, f"/v1/books?limit=2&sort={sort}")]
    assert found == (seven[::-1] if sort in ("-created_at", "-title") else seven)


@pytest.mark.parametrize(
    "query", ["", "&sort=title", "&sort=-shelf_mark,title", "&fields=id,notes", "&created_by[is_null]=true"]
)
@pytest.mark.parametrize(("length", "count"), [(60_000, 40), (LARGEST_PAGE_BYTES + 1, 3)])
def test_a_page_of_long_records_ends_with_the_one_that_makes_it_long(client, fill, query, length, count):
    fill(count, notes=f"repeat('n', {length})", shelf_mark="CASE WHEN mod(n, 3) > 0 THEN 'B ' || n END")
    one = client.get("/v1/books?limit=1").json["data"][0]
    path, ids = f"/v1/books?limit=100{query}", []
    while path:
        answer = client.get(path)
        assert len(answer.data) < LARGEST_PAGE_BYTES + length + 2_000
        # No page is shorter than it has to be.
        assert len(answer.data) >= LARGEST_PAGE_BYTES or not answer.json["page"]["has_more"]
        ids += [row["id"] for row in answer.json["data"]]
        path = answer.headers.get("Link", "").removeprefix("<").partition(">")[0]
    assert sorted(ids) == sorted(set(ids))
    assert len(ids) == count
    assert one["id"] in ids
    assert len(client.get("/v1/books?limit=100&fields=id").json["data"]) == count


def test_a_full_last_page_has_no_more(client, seven):
    assert client.get("/v1/books?limit=7").json["page"] == {"next_cursor": None, "has_more": False}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?status=lent", "BDF"),
        ("?status[ne]=lent", "ACEG"),
        ("?status[in]=lent,lost", "BDF"),
        ("?title[contains]=ok%20c", "C"),
        ("?title[contains]=%25", ""),
        ("?shelf_mark[is_null]=false", "ABC"),
        ("?shelf_mark[is_null]=true&status=lent", "DF"),
        ("?shelf_mark[ne]=B 1", "DEFG"),
        ("?created_by=7", "ABCDEFG"),
        ("?created_by[gt]=7", ""),
        ("?created_at[gte]=2020-01-01T00:00:00Z&created_at[lt]=2021-01-01T00:00:00%2B01:00", ""),
        ("?id[gt]=1&title[ne]=Book A&title[contains]=ook", "BCDEFG"),
    ],
)
def test_filters_select(client, seven, query, expected):
    assert sorted(title[-1] for title in titles(client.get(f"/v1/books{query}"))) == list(expected)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("shelf_mark", "BDAC"),
        ("-shelf_mark", "DBCA"),
        ("shelf_mark,-title", "BDCA"),
        ("status", "BDAC"),
        ("-status,title", "ACBD"),
    ],
)
def test_who_has_nothing_in_the_field_that_is_sorted_by_comes_last(client, create, sort, expected):
    for title, mark, status in (("A", None, "present"), ("B", "B", "lent"), ("C", None, "present"), ("D", "D", "lent")):
        create(title=title, shelf_mark=mark, status=status)
    found = "".join(row["title"] for row in walked(client, f"/v1/books?limit=1&sort={sort}"))
    assert found == "".join(titles(client.get(f"/v1/books?sort={sort}"))) == expected


def test_texts_are_sorted_as_people_read_on_every_page(client, create):
    book = ["Adam", "alvarado", "Álvarez", "Éva", "Öhler", "oslo", "Šimek", "über", "Zacher", "zebra", "Ева", "李明"]
    for title in book[::2] + book[1::2]:
        create(title=title)
    assert [row["title"] for row in walked(client, "/v1/books?limit=4&sort=title")] == book
    assert [row["title"] for row in walked(client, "/v1/books?limit=4&sort=-title")] == book[::-1]
    assert titles(client.get("/v1/books?title=adam")) == []


def test_records_are_found_counted_and_changed_by_label(client, create):
    for title, tags in (("Ada", ["verse", "old"]), ("Bea", ["verse"]), ("Cleo", ["old"]), ("Dora", [])):
        create(title=title, tags=tags)
    asked = {
        "tag=verse": ["Bea", "Ada"],
        "tag=verse&tag=old": ["Ada"],
        "tag=verse&sort=title": ["Ada", "Bea"],
        "tag=old&title[contains]=da": ["Ada"],
        "tag=VERSE": [],
    }
    assert {query: titles(client.get(f"/v1/books?{query}")) for query in asked} == asked
    assert client.get("/v1/books?tag=verse&limit=1&include=total").json["page"]["total"] == 2
    assert client.get("/v1/books/tags").json["data"] == [{"tag": "old", "count": 2}, {"tag": "verse", "count": 2}]


def test_fields_are_chosen_and_the_total_is_counted(client, seven):
    body = client.get("/v1/books?fields=id,title&include=total&limit=1&status=present").json
    assert list(body["data"][0]) == ["id", "title"]
    assert (body["page"]["total"], body["page"]["has_more"]) == (4, True)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?titel=x", "titel"),
        ("?notes=x", "notes"),
        ("?title[like]=x", "title[like]"),
        ("?title[eq=x", "title[eq"),
        ("?created_at[contains]=x", "created_at[contains]"),
        ("?created_by=abc", "created_by"),
        ("?created_by=99999999999999999999", "created_by"),
        ("?created_at[gt]=yesterday", "created_at[gt]"),
        ("?created_at[gt]=2026-01-01T00:00:00", "created_at[gt]"),
        ("?title=%00", "title"),
        ("?status=Lent", "status"),
        ("?status[in]=lent,gone", "status[in]"),
        ("?shelf_mark[is_null]=maybe", "shelf_mark[is_null]"),
        ("?price=1e3", "price"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=1&limit=2", ""),
        ("?sort=title,shelf_mark", "sort"),
        ("?tag[contains]=v", "tag[contains]"),
        ("?sort=notes", "sort"),
        ("?sort=title,-title2", "sort"),
        ("?fields=password", "fields"),
        ("?include=secrets", "include"),
        ("?q=anything", "q"),
    ],
)
def test_an_unknown_question_is_refused_and_names_what_is_wrong(client, query, parameter):
    answer = client.get(f"/v1/books{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query"), answer.json
    assert answer.json["errors"][0]["pointer"] == parameter


@pytest.mark.parametrize("query", ["?title=%ff", "?" + "&".join(f"title={n}" for n in range(50))])
def test_a_query_string_that_cannot_be_read_is_refused(client, query):
    assert client.get(f"/v1/books{query}").json["code"] == "malformed_query"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("&".join(f"{name}[ne]=1" for name in ("id", "shelf_id", "title", "shelf_mark", "price", "author_id"))
         + "&" + "&".join(f"id[{how}]=1" for how in ("gt", "gte", "lt", "lte", "in")), "too_many_conditions"),
        ("title=a&title=b", "repeated_parameter"),
        ("title=a&title[eq]=b", "repeated_parameter"),
        ("tag=u1&tag=u2&tag=u1", "repeated_parameter"),
    ],
)  # fmt: skip
def test_a_question_of_many_conditions_or_twice_the_same_is_refused(client, query, code):
    refused = client.get(f"/v1/books?{query}")
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (400, code)


def test_a_cursor_is_bound_to_its_list_its_question_and_its_tenant(client, client_of, company_id, seven):
    cursor = client.get("/v1/books?limit=2").json["page"]["next_cursor"]
    assert titles(client.get(f"/v1/books?limit=3&cursor={cursor}")) == seven[4:1:-1]
    for path in (
        f"/v1/books?sort=title&cursor={cursor}",
        f"/v1/books?status=present&cursor={cursor}",
        f"/v1/books?cursor={cursor[:-2]}AA",
        f"/v1/shelves?cursor={cursor}",
    ):
        assert client.get(path).json["code"] == "cursor_mismatch", path
    assert client.get("/v1/books?cursor=%C3%A4").json["code"] == "invalid_cursor"
    assert client_of(company_id + 10**9).get(f"/v1/books?cursor={cursor}").status_code == 400


def test_timestamps_carry_their_zone(client, create):
    assert datetime.fromisoformat(create()["created_at"]).utcoffset().total_seconds() == 0


def test_only_short_questions_are_kept_in_memory(client):
    """Thousands of long ones, each with hundreds of values, would be more than a worker may have."""
    texts = [f"status=lent&title[in]={','.join(f'title {number}' for number in range(most))}" for most in (2, 100)]
    for text, kept in zip(texts, (1, 0), strict=True):
        before = listing._understood.cache_info()
        for _ in range(2):
            assert client.get(f"/v1/books?{text}").status_code == 200
        after = listing._understood.cache_info()
        assert (after.misses - before.misses, after.hits - before.hits) == (kept, kept)


@pytest.mark.parametrize("sort", SINGLE)
def test_a_page_may_end_anywhere_in_a_row_of_equals(client, shelf, sort):
    items = [{"action": "create", "values": {"shelf_id": shelf["id"], "title": "Notes"}}] * 9
    made = [one["record"]["id"] for one in client.post("/v1/books/batch", json={"items": items}).json["results"]]
    for limit in (1, 2, 4, 8):
        seen = [row["id"] for row in walked(client, f"/v1/books?sort={sort}&limit={limit}")]
        assert seen == (made[::-1] if sort.startswith("-") else made)


def test_the_longest_texts_fit_into_a_cursor(client, create):
    made = [create(title="~" * 255)["id"] for _ in range(3)]
    seen = [row["id"] for row in walked(client, "/v1/books?sort=title,updated_at,created_at&limit=1")]
    assert seen == made


def test_the_link_keeps_a_filter_for_the_empty_text(client, create, superuser, company_id):
    made = [create()["id"] for _ in range(3)]
    # As somebody might have written it by hand.
    superuser.execute("UPDATE books SET shelf_mark = '' WHERE company_id = %s", (company_id,))
    assert [row["id"] for row in walked(client, "/v1/books?shelf_mark=&limit=1")] == made[::-1]


def test_who_sees_their_own_alone_sees_no_others_in_any_order(client_of, company_id, create, known):
    known(7, 8)
    own = client_of(company_id, "books:read:own books:write", user_id=8)
    theirs = [create(title="a", by=own), create(title="b", assigned_to=8), create(title="c", by=own, assigned_to=8)]
    other = create(title="d")
    for sort in SINGLE:
        found = walked(own, f"/v1/books?limit=2&sort={sort}")
        assert sorted(row["title"] for row in found) == ["a", "b", "c"], sort
    assert own.get("/v1/books?include=total").json["page"]["total"] == 3
    assert own.get(f"/v1/books/{theirs[1]['id']}").json == theirs[1]
    for answer in (
        own.get(f"/v1/books/{other['id']}"),
        own.patch(f"/v1/books/{other['id']}", json={"notes": "x"}, version=1),
        own.delete(f"/v1/books/{other['id']}", version=1),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "book_not_found")
    items = [{"action": "update", "id": other["id"], "version": 1, "values": {"notes": "x"}}]
    assert own.post("/v1/books/batch", json={"items": items}).json["results"][0]["status"] == 404


class Company:
    """A tenant of its own with two users who write, and what they have made."""

    def __init__(self, application, tokens):
        company_id = next(_companies)

        def client(user_id, scope):
            token = tokens.sign(company_id=company_id, sub=str(user_id), scope=scope)
            return Client(application.test_client(), token)

        self.made = []
        self.writers = [client(user_id, "shelves:write books:read books:write books:purge") for user_id in (7, 8)]
        self.readers = {own: client(7, "books:read:own" if own else "books:read") for own in (False, True)}
        self.shelf_id = self.writers[0].post("/v1/shelves", json={"name": "Poetry"}).json["id"]

    def create(self, several, writer=0):
        """In one transaction, so that all have the same created_at."""
        items = [{"action": "create", "values": {"shelf_id": self.shelf_id, **values}} for values in several]
        answer = self.writers[writer].post("/v1/books/batch", json={"items": items})
        self.made += [result["record"]["id"] for result in answer.json["results"] if result["status"] == 201]

    def happen(self, what, argument):
        if what == "create":
            self.create([argument], writer=len(self.made) % 2)
            return
        path = f"/v1/books/{self.made[argument % len(self.made)]}"
        now = self.writers[0].get(path)
        if now.status_code == 404:
            return
        version = now.json["version"]
        match what:
            case "archive":
                self.writers[0].delete(path, version=version)
            case "restore":
                self.writers[0].post(f"{path}/restore")
            case "purge":
                self.writers[0].post(f"{path}/purge", version=version)
            case _:
                self.writers[0].patch(path, json={"shelf_mark": f"M {version}"}, version=version)


# Titles that sort and escape in ways of their own; many alike, so that keys tie and the id decides.
TITLES = st.sampled_from(["Ada", "ada", "Ädä", "Zoë", "%_\\", '"', "日本", "😀 Ada", "~" * 255])
VALUES = st.fixed_dictionaries(
    {"title": TITLES},
    optional={
        "shelf_mark": st.sampled_from(["A 1", "Rome & Co"]),
        "status": st.sampled_from(["lent", "lost"]),
        "tags": st.lists(st.sampled_from(["verse", "old", "%"]), unique=True),
    },
)
FILTERS = [
    {},
    {"status": "lent"},
    {"shelf_mark[in]": "A 1,Rome & Co"},
    {"title[contains]": "d"},
    {"tag": "verse"},
    {"created_by": "7", "status[ne]": "lost"},
    {"archived_at[is_null]": "false"},
]
# What happens between two pages: a book comes, or one of those that are there (by its place) goes or changes.
CHANGES = st.lists(
    st.tuples(st.just("create"), VALUES)
    | st.tuples(st.sampled_from(["archive", "restore", "purge", "change"]), st.integers(0, 30)),
    max_size=3,
)


def versions(reader, question):
    answer = reader.get(f"/v1/books?{urlencode(question | {'limit': 100})}")
    assert (answer.status_code, answer.json["page"]["has_more"]) == (200, False)
    return {row["id"]: row["version"] for row in answer.json["data"]}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    batches=st.lists(st.lists(VALUES, min_size=1, max_size=7), min_size=1, max_size=3),
    sort=st.sampled_from([*SINGLE, *MIXED]),
    filters=st.sampled_from(FILTERS),
    limit=st.integers(1, 4),
    own=st.booleans(),
    turns=st.lists(CHANGES, max_size=5),
)
def test_what_stays_is_on_exactly_one_page_in_its_place_whatever_others_write(
    application, tokens, *, batches, sort, filters, limit, own, turns
):
    company = Company(application, tokens)
    for number, batch in enumerate(batches):
        company.create(batch, writer=number % 2)
    reader, question = company.readers[own], {"sort": sort} | filters
    before = versions(reader, question)
    path, seen, remaining = f"/v1/books?{urlencode(question | {'limit': limit})}", [], iter(turns)
    while path:
        answer = reader.get(path)
        assert answer.status_code == 200, answer.json
        assert len(seen) < 500, "it goes in circles"
        seen += [row["id"] for row in answer.json["data"]]
        path = answer.headers.get("Link", "").removeprefix("<").partition(">")[0]
        for change in next(remaining, ()):
            company.happen(*change)
    after = versions(reader, question)
    stayed = [known for known in before if after.get(known) == before[known]]
    assert [known for known in seen if known in stayed] == stayed
    if not any(changing in sort for changing in ("updated_at", "shelf_mark")):
        # There, what is changed may move to the end and come once more; everywhere else nothing does.
        assert len(seen) == len(set(seen))
