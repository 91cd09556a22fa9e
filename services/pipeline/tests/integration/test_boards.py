"""Boards: columns with their first cards, in one order that everybody sees, and what they are worth."""

import pytest


@pytest.fixture
def column(client, deal_stages):
    """The ids of a column, as its list has them."""

    def read(code, by=client):
        page = by.get(f"/v1/deals?stage_id={deal_stages[code]}&sort=position&limit=100&fields=id").json
        return [row["id"] for row in page["data"]]

    return read


@pytest.fixture
def board(client):
    def read(query="", by=client):
        answer = by.get(f"/v1/deals/board{query}")
        assert answer.status_code == 200, answer.json
        return answer.json

    return read


def test_a_board_has_every_stage_in_order_also_of_a_company_that_looks_for_the_first_time(client, board):
    assert [column["stage"]["code"] for column in board()["columns"]] == [
        "prospect",
        "qualified",
        "proposal",
        "negotiation",
        "closed_won",
        "closed_lost",
    ]
    leads = client.get("/v1/leads/board").json["columns"]
    assert [column["stage"]["name"] for column in leads][:2] == ["New", "Contacted"]


def test_a_new_card_is_on_top_and_a_column_goes_on_by_its_cursor(client, board, create_deal, deal_stages):
    made = [create_deal()["id"] for _ in range(5)]
    shown = board("?limit=2")["columns"][0]
    assert [card["id"] for card in shown["cards"]] == made[:2:-1]
    assert shown["has_more"]
    path = f"/v1/deals?stage_id={deal_stages['prospect']}&sort=position&limit=2&cursor={shown['next_cursor']}"
    assert [card["id"] for card in client.get(path).json["data"]] == made[2:0:-1]


def test_where_cards_are_long_the_columns_that_remain_have_one_and_go_on(
    client, board, create_deal, deal_stages, monkeypatch
):
    text = "\N{MUSICAL SYMBOL G CLEF}" * 20_000
    made = {
        code: [create_deal(stage_id=deal_stages[code], notes=text)["id"] for _ in range(3)][::-1]
        for code in ("prospect", "qualified", "proposal")
    }
    monkeypatch.setattr("pipeline.queries.boards.LARGEST_BOARD", 4 * len(text.encode()))
    columns = board("?limit=3")["columns"]
    shown = {column["stage"]["code"]: [card["id"] for card in column["cards"]] for column in columns[:3]}
    assert shown == made | {"proposal": made["proposal"][:1]}
    last = columns[2]
    assert last["has_more"]
    path = f"/v1/deals?stage_id={deal_stages['proposal']}&sort=position&limit=2&cursor={last['next_cursor']}"
    assert [card["id"] for card in client.get(path).json["data"]] == made["proposal"][1:]


def test_filters_of_the_list_narrow_the_board_and_its_cursors(client, board, create_deal, deal_stages):
    made = [create_deal(currency="EUR")["id"] for _ in range(3)]
    create_deal()
    shown = board("?currency=EUR&limit=1")["columns"][0]
    assert [card["id"] for card in shown["cards"]] == made[-1:]
    path = f"/v1/deals?stage_id={deal_stages['prospect']}&currency=EUR&sort=position&cursor={shown['next_cursor']}"
    assert [card["id"] for card in client.get(path).json["data"]] == made[1::-1]


def test_a_card_goes_behind_or_before_the_neighbour_that_is_named(client, column, create_deal, deal_stages, told):
    a, b, c, d = (create_deal()["id"] for _ in range(4))
    move = lambda card, **wish: client.post(  # noqa: E731  # Said eight times below.
        f"/v1/deals/{card}/move", json={"stage_id": deal_stages["prospect"], **wish}
    )
    assert column("prospect") == [d, c, b, a]
    assert move(a, after_id=d).json["version"] == 2
    assert column("prospect") == [d, a, c, b]
    assert told("deals")[-1]["type"] == "crm.deal.reordered.v1"
    move(b, before_id=d)
    assert column("prospect") == [b, d, a, c]
    assert move(b, before_id=d).json["version"] == 2  # It lies there already.
    assert move(c, after_id=b, before_id=a).status_code == 200  # No longer adjacent: the one before counts.
    assert column("prospect") == [b, c, d, a]
    gone = client.post(f"/v1/deals/{d}/move", json={"stage_id": deal_stages["proposal"]})
    assert gone.status_code == 200
    assert move(a, after_id=d).status_code == 200  # Neither is in the column: to the top.
    assert column("prospect") == [a, b, c]
    unknown = move(a, after_id=2**40)
    assert (unknown.status_code, unknown.json["code"]) == (422, "unknown_neighbour")


def test_a_neighbour_that_the_caller_may_not_see_is_none(client_of, company_id, create_deal, deal_stages):
    other = client_of(company_id, "deals:read deals:write", 8)
    hidden = create_deal(other)
    own = client_of(company_id, "deals:read:own deals:write")
    mine = create_deal(own)
    body = {"stage_id": deal_stages["prospect"], "after_id": hidden["id"]}
    answer = own.post(f"/v1/deals/{mine['id']}/move", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "unknown_neighbour")
    assert [card["id"] for card in own.get("/v1/deals/board").json["columns"][0]["cards"]] == [mine["id"]]


def test_cards_on_top_of_one_another_are_spread_where_one_is_to_go_between(
    *, client, column, create_deal, deal_stages, superuser, company_id
):
    made = [create_deal()["id"] for _ in range(40)]
    superuser.execute("UPDATE deals SET position = 7 WHERE company_id = %s", (company_id,))
    versions = [row["version"] for row in client.get("/v1/deals?limit=100").json["data"]]
    body = {"stage_id": deal_stages["prospect"], "after_id": made[9]}
    assert client.post(f"/v1/deals/{made[39]}/move", json=body).status_code == 200
    assert column("prospect") == [*made[:10], made[39], *made[10:39]]
    after = [row["version"] for row in client.get("/v1/deals?limit=100").json["data"]]
    assert sum(after) == sum(versions) + 1


def test_a_thousand_cards_on_top_of_one_another_are_one_order_for_all_readers(
    *, client, client_of, create_deal, deal_stages, superuser, company_id, at_once
):
    first = create_deal()
    superuser.execute(
        "INSERT INTO deals (company_id, customer_id, deal_name, deal_value, pipeline_id, stage_id, stage, position)"
        " SELECT company_id, customer_id, 'Deal ' || i, 1, pipeline_id, stage_id, stage, 7"
        " FROM deals, generate_series(1, 999) i WHERE company_id = %s",
        (company_id,),
    )
    superuser.execute("UPDATE deals SET position = 7 WHERE company_id = %s", (company_id,))

    def column(by):
        found, cursor = [], ""
        while cursor is not None:
            path = f"/v1/deals?stage_id={deal_stages['prospect']}&sort=position&limit=100&fields=id{cursor}"
            page = by.get(path).json
            found += [row["id"] for row in page["data"]]
            cursor = page["page"]["next_cursor"] and f"&cursor={page['page']['next_cursor']}"
        return found

    order = column(client)
    assert order == sorted(order)
    assert len(order) == 1000
    moved = order[:500:50]
    body = {"stage_id": deal_stages["prospect"], "after_id": order[700]}
    waiting = list(moved)
    while waiting:
        answers = at_once(
            *(lambda card=card: client_of(company_id).post(f"/v1/deals/{card}/move", json=body) for card in waiting)
        )
        assert {answer.json.get("code", "record_busy") for answer in answers} == {"record_busy"}
        waiting = [card for card, answer in zip(waiting, answers, strict=True) if answer.status_code != 200]
    readers = [column(client_of(company_id, user_id=user)) for user in (7, 8, 9)]
    assert readers[0] == readers[1] == readers[2]
    place = readers[0].index(order[700])
    assert sorted(readers[0][place + 1 : place + 11]) == sorted(moved)
    assert [card for card in readers[0] if card not in moved] == [card for card in order if card not in moved]
    assert first["id"] in readers[0]


def test_the_newest_closing_is_on_top_of_its_column(client, column, create_deal):
    a, b, c = (create_deal()["id"] for _ in range(3))
    for deal in (b, c, a):
        client.post(f"/v1/deals/{deal}/win", json={})
    assert column("closed_won") == [a, c, b]


def test_a_column_without_active_stage_is_shown_as_long_as_something_is_in_it(client, board, create_deal, deal_stages):
    deal = create_deal(stage_id=deal_stages["proposal"])
    path = f"/v1/deal-stages/{deal_stages['proposal']}"
    client.patch(path, json={"is_active": False}, version=1)
    assert [column["stage"]["is_active"] for column in board()["columns"]] == [True, True, False, True, True, True]
    client.post(f"/v1/deals/{deal['id']}/move", json={"stage_id": deal_stages["qualified"]})
    assert "proposal" not in [column["stage"]["code"] for column in board()["columns"]]


def test_a_lead_without_a_stage_is_never_nowhere(client, create_lead, superuser):
    lead = create_lead()
    superuser.execute("UPDATE leads SET stage_id = NULL WHERE id = %s", (lead["id"],))
    last = client.get("/v1/leads/board").json["columns"][-1]
    assert (last["stage"], [card["id"] for card in last["cards"]]) == (None, [lead["id"]])


def test_totals_are_of_all_open_cards_that_match_and_leave_out_what_has_no_rate(
    *, board, create_deal, deal_stages, company, company_id, superuser, client
):
    company("USD")
    superuser.execute(
        "INSERT INTO exchange_rates (company_id, currency, base_currency, rate, valid_on)"
        " VALUES (%s, 'EUR', 'USD', 1.05, '2026-01-01')",
        (company_id,),
    )
    create_deal(deal_value="1000.00")
    create_deal(deal_value="2000.50", currency="EUR", stage_id=deal_stages["qualified"])
    create_deal(deal_value="333.33", stage_id=deal_stages["proposal"])
    create_deal(deal_value="500.00", currency="GBP", stage_id=deal_stages["proposal"])
    client.post(f"/v1/deals/{create_deal()['id']}/win", json={})
    shown = board("?include=totals&limit=1")
    by_code = {column["stage"]["code"]: column["totals"] for column in shown["columns"]}
    assert (by_code["qualified"]["value"], by_code["qualified"]["weighted"]) == ("2100.52", "525.13")
    assert (by_code["proposal"]["count"], by_code["proposal"]["value"], by_code["proposal"]["weighted"]) == (
        2,
        "333.33",
        "166.66",
    )
    assert by_code["proposal"]["unconverted"] == [{"currency": "GBP", "count": 1, "value": "500.00"}]
    assert by_code["closed_won"] is None
    assert (shown["totals"]["count"], shown["totals"]["value"]) == (4, "3433.86")
    narrowed = board(f"?include=totals&stage_id={deal_stages['prospect']}")
    assert narrowed["totals"]["value"] == "1000.00"


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=101", "?include=total", "?sort=created_at", "?colour=red", "?limit=1&limit=2"]
)
def test_what_a_board_does_not_take_is_refused(client, query):
    answer = client.get(f"/v1/deals/board{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")


def test_position_is_an_order_in_one_stage_alone(client, deal_stages):
    answer = client.get("/v1/deals?sort=position")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")


def test_many_moves_into_one_gap_end_in_one_order_that_all_see(
    *, client, client_of, company_id, column, create_deal, deal_stages, at_once
):
    below, above = (
        create_deal(stage_id=deal_stages["qualified"])["id"],
        create_deal(stage_id=deal_stages["qualified"])["id"],
    )
    cards = [create_deal()["id"] for _ in range(50)]
    body = {"stage_id": deal_stages["qualified"], "after_id": above, "before_id": below}
    waiting = list(cards)
    while waiting:
        batch, waiting = waiting[:10], waiting[10:]
        answers = at_once(
            *(lambda card=card: client_of(company_id).post(f"/v1/deals/{card}/move", json=body) for card in batch)
        )
        for card, answer in zip(batch, answers, strict=True):
            assert answer.status_code == 200 or answer.json["code"] == "record_busy", answer.json
            if answer.status_code != 200:
                waiting.append(card)
    order = column("qualified")
    assert (order[0], order[-1], sorted(order[1:-1])) == (above, below, sorted(cards))
    assert column("qualified", client_of(company_id, user_id=8)) == order
