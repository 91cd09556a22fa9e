"""Search finds by what people remember: beginnings, parts, without accents, with a typing error; best first."""

import pytest


@pytest.fixture
def people(client):
    made = {}
    for name, values in {
        "Ada Lovelace": {
            "email": "ada@engines.example",
            "company_name": "Analytical Engines",
            "phone": "+49 30 123456",
        },
        "Zoë Müller-Weiß": {"email": "zoe@mueller.example", "customer_code": "VIP-77"},
        "Adam Smith": {"company_name": "Wealth of Nations Ltd"},
        "100% Juice_Bar": {},
        "Grace Hopper": {"notes": "Ada"},
    }.items():
        answer = client.post("/v1/customers", json={"name": name} | values)
        assert answer.status_code == 201, answer.json
        made[answer.json["id"]] = name
    return made


def search(client, words, **parameters):
    answer = client.get("/v1/customers", query_string={"q": words} | parameters)
    assert answer.status_code == 200, answer.json
    return [row["name"] for row in answer.json["data"]]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("ada lovelace", "Ada Lovelace"),
        ("lovel", "Ada Lovelace"),
        ("LOVELACE", "Ada Lovelace"),
        ("lovelcae", "Ada Lovelace"),
        ("analytical", "Ada Lovelace"),
        ("ada@engines.example", "Ada Lovelace"),
        ("engines.example", "Ada Lovelace"),
        ("+49 30 123456", "Ada Lovelace"),
        ("30-1234", "Ada Lovelace"),
        ("zoe", "Zoë Müller-Weiß"),
        ("muller", "Zoë Müller-Weiß"),
        ("Müller", "Zoë Müller-Weiß"),
        ("weiss", "Zoë Müller-Weiß"),
        ("vip-77", "Zoë Müller-Weiß"),
        ("C-000001", "Ada Lovelace"),
        ("wealth nations", "Adam Smith"),
        ("100%", "100% Juice_Bar"),
        ("e_B", "100% Juice_Bar"),
    ],
)
def test_the_best_match_comes_first(client, people, words, first):
    assert search(client, words)[:1] == [first]


@pytest.mark.parametrize(
    ("words", "whole", "beginning", "inside"),
    [
        ("weber", "Weber", "Weber, Anna", "Anna Weber"),
        ("O'BRIEN", "O`Brien", "O'Brien Sons", "Pat O'Brien"),
        ("mueller", "Müller", "Müllerei", "Eva Müller"),
        ("Müller", "Müller", "Müller Eva", "Eva Müller"),
        ("soeren", "Søren", "Sørensen", "Lars Søren"),
        ("иван", "Иван", "Иванова", "Пётр Иван"),
        ("lodz", "Łódź", "Łódź Dom", "Dom Łódź"),
        ("山田", "山田", "山田 花子", "佐藤 山田"),
        ("कमल", "कमल", "कमल शर्मा", "श्री कमल"),
    ],
)
def test_a_whole_name_comes_before_its_beginning_and_that_before_the_middle(client, words, whole, beginning, inside):
    for name in (whole, beginning, inside):  # The newest comes first among those that fit as well.
        assert client.post("/v1/customers", json={"name": name}).status_code == 201
    assert search(client, words) == [whole, beginning, inside]


# Each pair is of one name to people, typed on two keyboards.
SPELLINGS = [
    ("Müller GmbH", "mueller"),
    ("Müller GmbH", "Muller"),
    ("Mueller & Sohn", "Müller"),
    ("Łódzki Dom", "lodzki"),
    ("Lodz Invest", "Łódź"),
    ("Søren Ødegård", "soeren oedegaard"),
    ("Soren Odegard", "Søren Ødegård"),
    ("Đặng Thị", "dang thi"),
    ("İSTANBUL Tekstil", "istanbul"),
    ("Istanbul Hal\u0131", "İstanbul"),
    ("IŞIK Tekstil", "\u0131ş\u0131k"),
    ("Ærø Færge", "aero faerge"),
    ("Groß", "GROSS"),
    ("山田 花子", "山田花子"),
    ("محمد أحمد", "احمد"),
    ("O\u2019Brien", "o'brien"),
    ("ﬁnanz \uff21", "finanz a"),
    ("Đorđe Popović", "djordje"),
    ("Djurdja Popovic", "Đurđa"),
    ("Đurđa Popović", "durda popovic"),
    ("김 철수", "김철수"),
    ("김철수", "철 수"),
    ("สมชาย ใจดี", "สมชายใจดี"),
    ("فاطمة الزهراء", "فاطمه"),
    ("\u05d2\u05f3\u05d5\u05e8\u05d2", "\u05d2'\u05d5\u05e8\u05d2"),
    ("ΓΙΑΝΝΗΣ ΝΟΜΙΚΟΣ", "γιάννης νομικός"),
    ("ᲒᲘᲝᲠᲒᲘ", "გიორგი"),
]


@pytest.mark.parametrize(("name", "words"), SPELLINGS)
def test_a_search_finds_what_is_the_same_name_to_people(client, name, words):
    for made in (name, "Something else"):
        assert client.post("/v1/customers", json={"name": made}).status_code == 201
    assert search(client, words) == [name]


@pytest.mark.parametrize(("name", "other"), [("कमल", "कमला"), ("グラス", "クラス"), ("мой", "мои")])
def test_letters_that_look_like_accents_are_letters_to_a_search_too(client, name, other):
    for made in (name, other):
        assert client.post("/v1/customers", json={"name": made}).status_code == 201
    assert name not in search(client, other)


def test_whose_name_it_is_in_two_letters_comes_before_who_has_it_somewhere(client):
    for name in ("Müller", "Beate Mueller", "Muellerei", "Anna Müller"):
        assert client.post("/v1/customers", json={"name": name}).status_code == 201
    assert search(client, "mueller")[:2] == ["Müller", "Muellerei"]
    assert search(client, "Müller")[0] == "Müller"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"phone": "+49 171 2000021"}, "0171 2000021"),
        ({"phone": "0171 2000021", "country": "Germany"}, "+49 171 2000021"),
        ({"phone": "+49 (0)171 2000021"}, "+49 171-2000021"),
        ({"phone": "0171 2000021", "country": "Germany"}, "+49 (0)171 2000021"),
        ({"phone": "0171 2000021", "country": "Germany"}, "0049 171 2000021"),
        ({"secondary_phone": "0171 2000021"}, "0171/2000021"),
        ({"phone": "312-555-0142 x12", "country": "US"}, "3125550142"),
        ({"phone": "312-555-0142 x12", "country": "US"}, "(312) 555-0142 ext. 12"),
        ({"phone": "312-555-0142", "country": "US"}, "312-555-0142 x12"),
        ({"phone": "+82 2-123-4567 (내선 11)"}, "02-123-4567 내선 11"),
        ({"phone": "+90 312 123 45 67"}, "Tel. 0312 123 45 67 dahili 5"),
        ({"phone": "+49 7531 200002"}, "07531"),
        ({"phone": "+49 7531 200002"}, "07531/20"),
        ({"phone": "07531 200002"}, "07531"),
        ({"phone": "07531 200002", "country": "Germany"}, "+49 7531"),
        ({"phone": "07531 200002", "country": "Germany"}, "0049 753"),
        ({"secondary_phone": "+351 21 0000002"}, "0210 00"),
        ({"phone": "+49 711 200002"}, "0711"),
    ],
)
def test_a_number_is_found_however_it_is_dialled(client, values, words):
    for made in (values, {"phone": "+49 171 2999999"}):
        assert client.post("/v1/customers", json={"name": f"Somebody {made}"[:90]} | made).status_code == 201
    assert len(search(client, words)) == 1


def test_how_a_number_begins_at_home_is_found_behind_a_country_alone(client):
    for values in (
        {"name": "Inside of a number", "phone": "+49 30 0753100"},
        {"name": "7531 Bar", "phone": "+49 171 2999999"},
        {"name": "Konstanz", "phone": "+49 7531 200002"},
    ):
        assert client.post("/v1/customers", json=values).status_code == 201
    assert search(client, "07531") == ["Konstanz", "Inside of a number"]
    coded = {"name": "By its code", "customer_code": "07531"}
    assert client.post("/v1/customers", json=coded).status_code == 201
    assert search(client, "07531") == ["By its code"]


def test_what_matches_nothing_finds_nothing(client, people):
    assert search(client, "xylophone") == []
    assert search(client, "%") == ["100% Juice_Bar"]


def test_a_beginning_is_better_than_a_part(client, people):
    found = search(client, "ada")
    assert set(found) == {"Ada Lovelace", "Adam Smith"}


def test_search_goes_with_filters_fields_and_totals(client, people):
    assert search(client, "ada", company_name="Analytical Engines") == ["Ada Lovelace"]
    answer = client.get("/v1/customers?q=ada&fields=id,name&include=total").json
    assert answer["page"]["total"] == 2
    assert set(answer["data"][0]) == {"id", "name"}
    assert client.get("/v1/customers?q=ada&sort=name").json["errors"][0]["code"] == "not_with_search"
    assert client.get("/v1/customers?q=%00").status_code == 400
    assert client.get("/v1/customers/merges?q=ada").json["errors"][0]["code"] == "unknown_parameter"


def test_pages_of_a_search_hold_every_record_once(client):
    for number in range(25):
        client.post("/v1/customers", json={"name": f"Twin {number}"})
    seen, cursor = [], None
    while True:
        query = {"q": "twin", "limit": 4} | ({"cursor": cursor} if cursor else {})
        answer = client.get("/v1/customers", query_string=query).json
        seen += [row["id"] for row in answer["data"]]
        cursor = answer["page"]["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 25
    other = client.get("/v1/customers", query_string={"q": "other", "cursor": cursor or "x"})
    assert other.status_code == 400


def test_search_finds_no_archived_record_and_none_of_another_tenant(client, client_of, company_id, people):
    [grace] = [known for known, name in people.items() if name == "Grace Hopper"]
    client.delete(f"/v1/customers/{grace}", version=1)
    assert search(client, "grace") == []
    assert search(client, "grace", **{"archived_at[is_null]": "false"}) == ["Grace Hopper"]
    assert search(client_of(company_id + 10**9), "ada") == []


def test_a_changed_customer_is_found_by_what_it_is_now(client, people):
    [grace] = [known for known, name in people.items() if name == "Grace Hopper"]
    assert client.patch(f"/v1/customers/{grace}", json={"company_name": "Navy"}, version=1).status_code == 200
    assert search(client, "navy") == ["Grace Hopper"]


def test_the_best_are_found_among_more_than_are_ranked(client, superuser, company_id):
    """Hundreds have the word somewhere; the one whose name, code or address it is comes first nevertheless."""
    superuser.execute(
        "INSERT INTO customers (company_id, customer_code, name, company_name, name_norm)"
        " SELECT %s, 'X-' || i, 'Name ' || i, 'Zebra ' || i, 'name ' || i FROM generate_series(1, 600) i",
        (company_id,),
    )
    for values in ({"name": "Zébra"}, {"name": "Zebrano"}, {"name": "Code", "customer_code": "ZEBRA"}):
        assert client.post("/v1/customers", json=values).status_code == 201
    assert search(client, "zebra")[:3] == ["Code", "Zébra", "Zebrano"]
    assert search(client, "Zébra")[:3] == ["Code", "Zébra", "Zebrano"]
    assert client.get("/v1/customers?q=zebra+5&include=total").json["page"]["total"] <= 200


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("lovlace", "Ada Lovelace"),
        ("lovvelace", "Ada Lovelace"),
        ("lovelaec", "Ada Lovelace"),
        ("ada lovelcae", "Ada Lovelace"),
        ("lovelcae ada", "Ada Lovelace"),
        ("analitycal enginse", "Ada Lovelace"),
        ("muler", "Zoë Müller-Weiß"),
        ("muelller", "Zoë Müller-Weiß"),
        ("zoe mulelr", "Zoë Müller-Weiß"),
        ("smiith", "Adam Smith"),
        ("adsm smith", "Adam Smith"),
        ("wealht of nations", "Adam Smith"),
        ("juicebar", "100% Juice_Bar"),
        ("hoper", "Grace Hopper"),
        ("hoppper", "Grace Hopper"),
        ("hoper grace", "Grace Hopper"),
    ],
)
def test_words_with_a_typing_error_are_found(client, people, words, first):
    assert search(client, words)[:1] == [first]


def test_names_in_every_script_are_found_by_a_part(client):
    for name in ("Иванов Пётр", "李明", "山田太郎 Yamada", "Παπαδόπουλος", "محمد علي", "x😀yz"):
        assert client.post("/v1/customers", json={"name": name}).status_code == 201
    for words, name in {
        "иван": "Иванов Пётр",
        "нов п": "Иванов Пётр",
        "иваноф": "Иванов Пётр",
        "李明": "李明",
        "明": "李明",
        "田太": "山田太郎 Yamada",
        "郎 ya": "山田太郎 Yamada",
        "mad": "山田太郎 Yamada",
        "παπαδοπουλος": "Παπαδόπουλος",
        "حمد": "محمد علي",
        "😀y": "x😀yz",
    }.items():
        assert search(client, words) == [name], words


PLACES = [(before, after) for before in range(4) for after in range(3)]


def test_every_part_of_a_text_is_asked_for_by_grams_that_the_text_has(superuser):
    """Texts of one and of several blocks, with and without other characters than ASCII; every part of two or more."""
    texts = ["ab", "abc", "ada lovelace ada@engines.example c-000001 4930123456", "0123456789" * 9 + "abcdefghijklmnop"]
    texts += ["x" * 95 + "yz", "x" * 94 + "yza", "петр ada 李明 zoe@müller.example c-7 😀 k"]
    for text in texts:
        for company in (1, 7, 2**40 + 3):
            missed = superuser.execute(
                """
                SELECT part FROM (SELECT DISTINCT substr(%(text)s, i, n) AS part FROM generate_series(1, length(%(text)s)) i,
                    generate_series(2, least(length(%(text)s), 40)) n WHERE i + n <= length(%(text)s) + 1) parts,
                    (SELECT text_grams(%(company)s, %(text)s) AS grams) given
                WHERE NOT EXISTS (SELECT FROM text_questions(%(company)s, part) q
                    WHERE grams @> q.every OR grams && q.one)
                OR NOT EXISTS (SELECT FROM gram_questions(%(company)s, part) q
                    WHERE grams @> q.every OR grams @> q.other OR grams && q.one
                    OR grams @> q.first AND grams && q.behind OR grams @> q.second AND grams && q.before)
                """,
                {"text": text, "company": company},
            ).fetchall()
            assert missed == [], (text, company)
    [(mine, theirs)] = superuser.execute("SELECT text_grams(1, 'ada'), text_grams(2, 'ada')").fetchall()
    assert not set(mine) & set(theirs)


@pytest.mark.parametrize("word", ["sing", "singh", "comin", "comix"])
def test_a_short_word_is_not_looked_for_in_every_text_that_has_a_part_of_it(superuser, word):
    texts = [f"{'x' * before}asked for an offer of the coming year in tomato{'y' * after}" for before, after in PLACES]
    [(asked,)] = superuser.execute(
        """
        SELECT array_agg(given) FROM unnest(%(texts)s::text[]) given, text_grams(1, given) grams,
            gram_questions(1, %(word)s) q
        WHERE grams @> q.every OR grams @> q.other OR grams && q.one
            OR grams @> q.first AND grams && q.behind OR grams @> q.second AND grams && q.before
        """,
        {"texts": texts, "word": word},
    ).fetchall()
    assert asked == (texts if any(word in text for text in texts) else None)


@pytest.mark.parametrize(
    ("column", "part", "found"),
    [
        ("name", "ÜLL", 1),
        ("name", "r g", 1),
        ("name", "%", 0),
        ("name", "100%", 1),
        ("name", "_", 1),
        ("name", "\\", 1),
        ("name", "名", 1),
        ("name", "müller gmbh", 1),
        ("name", "muller", 0),
        ("company_name", "ACME", 2),
        ("company_name", "xyz", 0),
        ("email", "@b.e", 2),
        ("customer_code", "-7", 1),
        ("city", "onn", 1),
    ],
)
def test_a_part_of_a_field_is_found_however_few_have_it(client, column, part, found):
    for values in (
        {"name": "Müller GmbH", "company_name": "Acme North", "email": "a@b.example", "city": "Bonn"},
        {"name": "100% _Sure\\", "company_name": "acme south", "email": "c@b.example", "customer_code": "K-77"},
        {"name": "名前"},
    ):
        assert client.post("/v1/customers", json=values).status_code == 201
    part = {"%": "\u2030", "_": "_s", "\\": "e\\"}.get(part, part)
    query = {f"{column}[contains]": part, "include": "total"}
    page = client.get("/v1/customers", query_string=query).json
    assert (len(page["data"]), page["page"]["total"]) == (found, found)


def test_who_many_have_and_then_nobody_for_long_are_found(client, superuser, company_id):
    """The next of the list promise a page that those looked through just fail to fill."""
    superuser.execute(
        "INSERT INTO customers (company_id, customer_code, name, created_at)"
        " SELECT %s, 'C' || n, CASE WHEN n <= 20 OR n > 1520 THEN 'Common ' ELSE 'Rare ' END || n,"
        " now() - n * interval '1 hour' FROM generate_series(1, 1525) n",
        (company_id,),
    )
    asked = "/v1/customers?name[contains]=common&limit=20&include=total"
    first = client.get(asked).json
    assert [row["name"] for row in first["data"]] == [f"Common {n}" for n in range(1, 21)]
    assert first["page"]["total"] == 25
    last = client.get(f"{asked}&cursor={first['page']['next_cursor']}").json
    assert [row["name"] for row in last["data"]] == [f"Common {n}" for n in range(1521, 1526)]


def test_who_has_a_part_is_found_however_often_they_move_meanwhile(client, superuser, company_id, at_once):
    """Every change of a row puts it elsewhere, and where rows lie is what the list goes by."""
    for number in range(20):
        client.post("/v1/customers", json={"name": f"Common {number}"})

    def move():
        for number in range(200):
            notes = "a" * (number % 50) * 40
            superuser.execute("UPDATE customers SET notes = %s WHERE company_id = %s", (notes, company_id))

    def count():
        return {len(client.get("/v1/customers?name[contains]=ommo").json["data"]) for _ in range(100)}

    _, counts = at_once(move, count)
    assert counts == {20}
