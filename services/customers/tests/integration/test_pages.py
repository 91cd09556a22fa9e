"""Pages while others write: whatever comes, goes and changes between them, what stays is on exactly one page."""

import itertools
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.db import containing
from chassis.testing.fixtures import Client
from customers.queries.customers import CUSTOMERS

ME, COLLEAGUE = 7, 8
WRITE = "customers:write customers:purge"
_companies = itertools.count(5 * 10**11)

# Names that sort, escape, fold and match in ways of their own; many alike, so that keys tie and the id decides.
NAMES = st.sampled_from(
    ["Ada", "ada", "Ädä", "Ada Lovelace", "Adam Smith", "Ida", "Zoë", "%_\\", '"', "日本", "😀 Ada", "~" * 255]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
VALUES = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "city": st.sampled_from(["Bonn", "", "Rome & Co"]),
        "status": st.sampled_from(["active", "lost"]),
        "company_name": st.sampled_from(["Acme", "Zeta", "~" * 255]),
        "industry": st.sampled_from(["Retail", "Finance"]),
        "tags": st.lists(st.sampled_from(["vip", "eu", "%"]), unique=True),
    },
)
SINGLE = [sign + name for name in CUSTOMERS.sorts for sign in ("", "-")]
MIXED = ["company_name,-created_at", "-industry,status,-updated_at", "city,created_at"]
ORDERS = st.sampled_from(
    [
        *(
            {"sort": sort}
            for sort in [*SINGLE, "name,-created_at", "-updated_at,name", "-name,-created_at,updated_at", *MIXED]
        ),
        *({"q": words} for words in ("ada", "lovelase", "a")),
    ]
)
FILTERS = st.sampled_from(
    [
        {},
        {"status": "active"},
        {"city[ne]": ""},
        {"city[in]": "Bonn,Rome & Co"},
        {"name[contains]": "d"},
        {"name[contains]": "ada", "tag": "eu"},
        {"tag": "vip"},
        {"created_by": str(ME), "status[ne]": "lost"},
        {"archived_at[is_null]": "false"},
        {"created_at[gte]": "2020-01-01T00:00:00+01:00"},
    ]
)
# What happens between two pages: a customer comes, or one of those that are there (by its place) goes or changes.
CHANGES = st.lists(
    st.tuples(st.just("create"), VALUES)
    | st.tuples(st.sampled_from(["archive", "restore", "purge", "change"]), st.integers(0, 30)),
    max_size=3,
)


class Company:
    """A tenant of its own with two users who write, and what they have made."""

    def __init__(self, application, tokens):
        self.company_id = next(_companies)
        self.made = []

        def client(user_id, scope):
            token = tokens.sign(company_id=self.company_id, sub=str(user_id), scope=scope)
            return Client(application.test_client(), token)

        self.writers = [client(user_id, f"customers:read {WRITE}") for user_id in (ME, COLLEAGUE)]
        self.readers = {own: client(ME, "customers:read:own" if own else "customers:read") for own in (False, True)}

    def create(self, several, writer=0):
        """In one transaction, so that all have the same created_at."""
        items = [{"action": "create", "values": values} for values in several]
        answer = self.writers[writer].post("/v1/customers/batch", json={"items": items})
        self.made += [result["record"]["id"] for result in answer.json["results"] if result["status"] == 201]

    def happen(self, what, argument):
        if what == "create":
            return self.create([argument], writer=len(self.made) % 2)
        # Names of nothing but unseen signs are refused, so there may be none yet.
        path = f"/v1/customers/{self.made[argument % len(self.made)] if self.made else 0}"
        now = self.writers[0].get(path)
        if now.status_code == 404:
            return None
        version = now.json["version"]
        match what:
            case "archive":
                return self.writers[0].delete(path, version=version)
            case "restore":
                return self.writers[0].post(f"{path}/restore")
            case "purge":
                return self.writers[0].post(f"{path}/purge", version=version)
            case _:
                return self.writers[0].patch(path, json={"city": f"City {version}"}, version=version)


def versions(reader, question):
    answer = reader.get(f"/v1/customers?{urlencode(question | {'limit': 100})}")
    assert answer.status_code == 200, answer.json
    assert not answer.json["page"]["has_more"]
    return {row["id"]: row["version"] for row in answer.json["data"]}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    batches=st.lists(st.lists(VALUES, min_size=1, max_size=7), min_size=1, max_size=3),
    order=ORDERS,
    filters=FILTERS,
    limit=st.integers(1, 4),
    own=st.booleans(),
    by_link=st.booleans(),
    turns=st.lists(CHANGES, max_size=5),
)
def test_what_stays_is_on_exactly_one_page_in_its_place(
    application, tokens, *, batches, order, filters, limit, own, by_link, turns
):
    company = Company(application, tokens)
    for number, batch in enumerate(batches):
        company.create(batch, writer=number % 2)
    reader, question = company.readers[own], order | filters
    before = versions(reader, question)
    path, seen, remaining = f"/v1/customers?{urlencode(question | {'limit': limit})}", [], iter(turns)
    while path:
        answer = reader.get(path)
        assert answer.status_code == 200, answer.json
        assert len(answer.json["data"]) <= limit
        assert len(seen) < 500, "it goes in circles"
        seen += [row["id"] for row in answer.json["data"]]
        cursor = answer.json["page"]["next_cursor"]
        path = cursor and f"/v1/customers?{urlencode(question | {'limit': limit, 'cursor': cursor})}"
        if cursor and by_link:
            path = answer.headers["Link"].removeprefix("<").partition(">")[0]
        for change in next(remaining, ()):
            company.happen(*change)
    after = versions(reader, question)
    stayed = [known for known in before if after.get(known) == before[known]]
    assert [known for known in seen if known in stayed] == stayed
    if not any(changing in order.get("sort", "") for changing in ("updated_at", "city")):
        # There, what is changed may move to the end and come once more; everywhere else nothing does.
        assert len(seen) == len(set(seen))


def pages(company, path):
    """The ids on all pages from `path` on, found by the links."""
    seen = []
    while path:
        answer = company.readers[False].get(path)
        assert answer.status_code == 200, answer.json
        seen += [row["id"] for row in answer.json["data"]]
        assert len(seen) <= len(company.made), "it goes in circles"
        path = answer.headers.get("Link", "").removeprefix("<").partition(">")[0]
    return seen


@pytest.mark.parametrize("words", ["lovelase", "lovelacc", "ada lovelase", "ada lofelace", "adda lovelace"])
def test_a_page_of_a_search_may_end_among_equal_ranks_that_are_no_binary_fractions(application, tokens, words):
    company = Company(application, tokens)
    company.create([{"name": "Ada Lovelace"}] * 9)
    assert sorted(pages(company, f"/v1/customers?q={words}&limit=2")) == company.made


@pytest.fixture(params=[containing.MOST_NAMED, 3], ids=["named", "too-many"])
def way(request, monkeypatch):
    """One of the ways to those who have a part of a text: the function names them, or too many have it for that."""
    monkeypatch.setattr(containing, "MOST_NAMED", request.param)


@pytest.mark.usefixtures("way")
def test_who_has_a_part_of_a_text_is_found_page_by_page_whichever_way(application, tokens):
    company = Company(application, tokens)
    for number in range(24):
        values = {"name": f"{'Uncommon' if number % 3 else 'Rare'} {number % 7}", "tags": ["eu"] if number % 4 else []}
        values |= {"city": "Bonn"} if number % 5 else {"status": "lost"}
        company.create([values], writer=number % 2)
        if number % 6 == 1:
            company.happen("archive", number)
    sorts = ["-created_at", "created_at", "name", "-updated_at", "city", "-city", "-company_name", "status,-name"]
    filters_ = ["", "&status=lost", "&tag=eu", "&archived_at[is_null]=false", "&city[contains]=nn"]
    for number, (sort, filters) in enumerate(itertools.product(sorts, filters_)):
        # Over an odd number of filters, each sort and each filter meets both readers.
        own = bool(number % 2)
        reader = company.readers[own]
        everyone = reader.get(f"/v1/customers?limit=100&sort={sort}{filters}").json["data"]
        having = [row["id"] for row in everyone if "common" in row["name"]]
        assert filters or len(having) > 5
        seen, cursor = [], ""
        while cursor is not None:
            asked = f"/v1/customers?limit=3&include=total&name[contains]=COMMON&sort={sort}{filters}"
            page = reader.get(f"{asked}{cursor and f'&cursor={cursor}'}").json
            seen += [row["id"] for row in page["data"]]
            assert len(seen) <= len(having), "it goes in circles"
            assert page["page"]["total"] == len(having)
            cursor = page["page"]["next_cursor"]
        assert seen == having, (sort, filters, own)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["삼성SK전자 1", "삼성SK전자 2", "SK 3", "한SK"], "sk"),
        (["Line/NT/x", "東京NT支店", "NT", "/nt"], "NT"),
        (["a/bcd/e", "ab/bcd/e", "bcd", "日bcd日"], "bcd"),
        (["日本語", "x日本y", "日本 z"], "日本"),
        # The sign for the unit beside the letter, and a letter whose accent the rules know when it is small alone.
        (["\u212bngstr\xf6m", "\xc5NGSTR\xd6M", "\xe5ngstr\xf6m"], "\xe5ngs"),
        (["\u01f6adu", "\u0195adu"], "\u01f6ad"),
        (["O'neil", "Oo'nei'l"], "nei"),
    ],
)
def test_a_part_is_found_among_characters_of_any_kind_whichever_way(application, tokens, names, part):
    company = Company(application, tokens)
    company.create([{"name": name} for name in ["Else", *names, "Other"]])
    for sort, limit in itertools.product(["created_at", "city"], [1, 2, 50]):
        question = (
            f"/v1/customers?{urlencode({'name[contains]': part, 'sort': sort, 'limit': limit, 'include': 'total'})}"
        )
        assert pages(company, question) == company.made[1:-1]
        assert company.readers[False].get(question).json["page"]["total"] == len(names)
