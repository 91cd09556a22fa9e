"""What is asked of deals, to compare a million of them with a thousand."""

import itertools
from collections.abc import Mapping
from urllib.parse import urlencode

from bench import size_deal_data
from bench.size_subject import Ask, Bound, Change, Subject

SORTS = (
    "updated_at",
    "deal_name",
    "deal_value",
    "expected_close_date",
    "stage_entered_at",
    "closed_at",
    "probability",
    "assigned_to",
    "created_by",
    "status",
)
# Pages that both tenants fill: of a thousand deals some thirty are archived, some twenty are late by what the first
# stage allows, sixteen have to do with somebody called Weber, and one user has six with somebody called Singh.
LISTS: Mapping[str, Ask] = {
    "list, first page": lambda _: "",
    "list, page in the middle": lambda row: f"cursor={row['cursor']}",
    **{f"list, sort={name}": lambda _, name=name: f"sort={name}" for name in SORTS},  # type: ignore[misc]
    "list, sort=-deal_value, in the middle": lambda row: f"sort=-deal_value&cursor={row['value_cursor']}",
    "list, sort=expected_close_date, in the middle": lambda row: (
        f"sort=expected_close_date&cursor={row['expected_cursor']}"
    ),
    "list, a column of the board": lambda row: f"stage_id={row['stage_id']}&sort=position",
    "list, stage": lambda _: "stage=proposal",
    "list, status": lambda _: "status=won",
    "list, customer": lambda row: f"customer_id={row['customer_id']}&limit=2",
    "list, assignee": lambda row: f"assigned_to={row['user']}&limit=20",
    "list, creator": lambda row: f"created_by={row['user']}&limit=20",
    "list, expected since": lambda row: urlencode(
        {"expected_close_date[gte]": row["expected_close_date"], "sort": "expected_close_date", "limit": 10}
    ),
    "list, worth at least": lambda _: urlencode({"deal_value[gte]": "90000", "sort": "-deal_value", "limit": 20}),
    "list, archived": lambda _: "archived_at[is_null]=false&limit=20",
    "list, overdue": lambda _: "overdue=true&limit=20",
    "list, stale": lambda _: "stale=true&limit=20",
    "list, common part of a name": lambda _: urlencode({"deal_name[contains]": "son", "limit": 20}),
    "search, a name": lambda row: urlencode({"q": row["deal_name"]}),
    "search, beginning of a name": lambda row: urlencode({"q": row["deal_name"][:8]}),
    "search, typing error": lambda _: "q=ivanvoa+quentin",
    "search, a common name": lambda _: "q=weber&limit=10",
    "search, nothing found": lambda _: "q=xylophonist",
}
OWN: Mapping[str, Ask] = {
    "own list, first page": lambda _: "limit=20",
    "own search, a common name": lambda _: "q=singh&limit=5",
}
PATHS: Mapping[str, Ask] = {
    "history": lambda row: f"/v1/deals/{row['id']}/history",
    "board, 7 columns of 20": lambda _: "/v1/deals/board",
    "board of an assignee": lambda row: f"/v1/deals/board?assigned_to={row['user']}&limit=2",
}
# They add up what a tenant has.
REPORTED: Mapping[str, Ask] = {
    "board with totals": lambda _: "/v1/deals/board?include=totals",
    "deal-pipeline": lambda _: "/v1/reports/deal-pipeline",
    "facets": lambda _: "/v1/deals/facets",
}
_serial = itertools.count()
CHANGES: Mapping[str, Change] = {
    "create": Change(
        "POST",
        lambda _: "/v1/deals",
        lambda row: {"deal_name": f"New {next(_serial)}", "deal_value": "10.00", "customer_id": row["customer_id"]},
    ),
    "change": Change("PATCH", lambda row: f"/v1/deals/{row['id']}", lambda _: {"notes": f"Note {next(_serial)}"}),
    "move to the top of another column": Change(
        "POST", lambda row: f"/v1/deals/{row['id']}/move", lambda row: {"stage_id": _next_of(row)}
    ),
    "move behind another card": Change(
        "POST",
        lambda row: f"/v1/deals/{row['id']}/move",
        lambda row: {"stage_id": _next_of(row), "after_id": row["neighbours"][row["place"]]},
    ),
    "win": Change("POST", lambda row: f"/v1/deals/{row['id']}/win", lambda _: {}),
    "reopen": Change("POST", lambda row: f"/v1/deals/{row['id']}/reopen", lambda _: {}),
}
WINDOW, CREATED = "from=2026-03-01&to=2026-07-25", "from=2026-03-01&to=2026-05-09"
BOUNDS: Mapping[str, Bound] = {
    "board with totals over 100,000 open deals": Bound("/v1/deals/board?include=totals", 150),
    "deal-pipeline": Bound("/v1/reports/deal-pipeline", 150),
    "forecast": Bound("/v1/reports/forecast", 150),
    **{
        f"{name}, 50,000 closed in the window": Bound(f"/v1/reports/{name}?{WINDOW}", 500)
        for name in ("win-rate", "cycle", "velocity", "loss-reasons")
    },
    **{
        f"{name}, 50,000 in the window": Bound(f"/v1/reports/{name}?{CREATED}", 500)
        for name in ("funnel", "stage-durations", "slippage")
    },
}
_METHOD = """
The large tenant has 200,000 deals among the others', of which 100,000 are open. What is added up, facets, totals of a
board and reports, reads what there is to be added up, from an index that has all of it; so it is held to a time and not
to a ratio. Of changes each is of another record, committed, with its history and its event.
"""


def _next_of(row: dict[str, object]) -> object:
    """The id of the open stage after the one that the deal was brought into last."""
    stages = row["stages"]
    assert isinstance(stages, list)
    assert isinstance(row["place"], int)
    row["place"] = (row["place"] + 1) % len(stages)
    return stages[row["place"]]


# The open stages, and of each a card in its midst to lie behind; `place` is the stage that the deal is in.
_ROWS = """
WITH open_stages AS (
    SELECT s.id, s.order_index, (SELECT d.id FROM deals d WHERE d.company_id = s.company_id AND d.stage_id = s.id
        AND d.archived_at IS NULL ORDER BY d.position OFFSET 40 LIMIT 1) AS neighbour
    FROM deal_stages s WHERE s.company_id = %s AND s.kind = 'open'
)
SELECT d.id, d.version, d.deal_name, d.customer_id, d.stage_id, d.expected_close_date::text,
    (SELECT array_agg(o.id ORDER BY o.order_index) FROM open_stages o),
    (SELECT array_agg(o.neighbour ORDER BY o.order_index) FROM open_stages o),
    (SELECT o.order_index - 1 FROM open_stages o WHERE o.id = d.stage_id)
FROM deals d JOIN open_stages s ON s.id = d.stage_id
WHERE d.archived_at IS NULL AND d.expected_close_date < '2026-08-01' AND d.id <> s.neighbour
    AND d.company_id = (SELECT company_id FROM deal_stages ds WHERE ds.id = s.id)
ORDER BY hashint8(d.id) LIMIT 70
"""

DEALS = Subject(
    name="deals",
    service="pipeline",
    create=size_deal_data.create,
    user_of=size_deal_data.user_of,
    scope="deals:read deals:write",
    own_scope="deals:read:own",
    rows=_ROWS,
    columns=(
        "id",
        "version",
        "deal_name",
        "customer_id",
        "stage_id",
        "expected_close_date",
        "stages",
        "neighbours",
        "place",
    ),
    sorts={"cursor": "-created_at", "value_cursor": "-deal_value", "expected_cursor": "expected_close_date"},
    target=1.3,
    method=_METHOD,
    lists=LISTS,
    own=OWN,
    paths=PATHS,
    reported=REPORTED,
    changes=CHANGES,
    bounds=BOUNDS,
    large=200_000,
)
