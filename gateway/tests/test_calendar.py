"""The one address that holds a secret: open to a GET without a token, in a limit of its own, and in no log."""

import json
import secrets

import pytest

from gateway.render import Limits

TOKEN = "Zk3-pQ9_" + "x" * 35


@pytest.fixture(scope="module")
def gateway(run, stand_in):
    return run(tasks=[stand_in.address])


@pytest.fixture(scope="module")
def narrow(run, stand_in):
    return run(limits=Limits(calendar_per_minute=2), tasks=[stand_in.address])


def lines_of(gateway, wait, mark: str) -> list[str]:
    wait(lambda: mark in gateway.log.read_text())
    return [line for line in gateway.log.read_text().splitlines() if mark in line]


def test_a_calendar_is_read_without_a_token_and_nothing_else_is(gateway, stand_in) -> None:
    path = f"/v1/calendar/{TOKEN}.ics"
    answer = gateway.call("GET", path)
    assert answer.status == 200
    assert stand_in.calls[f"GET {path}"] == 1
    for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE"):
        assert gateway.call(method, path).status == 401
    assert gateway.call("GET", "/v1/calendar").status == 401
    assert gateway.call("GET", "/v1/calendar-feed").status == 401


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/calendar/{TOKEN}.ics",
        f"/v1/calendar/{TOKEN}.ics?x={TOKEN}",
        f"/v1/calendar/{TOKEN}",
        f"/V1/Calendar/{TOKEN}.ics",
        f"/v1//calendar//{TOKEN}.ics",
        f"/v1/calendar/{TOKEN}.ics/",
        f"/v1/calendar/%5a{TOKEN[1:]}.ics",
        f"/v1/kalender/{TOKEN}.ics",
        f"/v1/customers/{TOKEN}/x",
    ],
)
def test_no_log_line_holds_its_secret_however_it_is_spelled(gateway, wait, path) -> None:
    mark = f"calendar-{secrets.token_hex(6)}"
    gateway.call("GET", path, [("X-Request-Id", mark)])
    (line,) = lines_of(gateway, wait, mark)
    assert TOKEN[10:] not in line
    shown = json.loads(line)["path"]
    assert shown.endswith(("/-", "/-/x"))
    if path.startswith("/v1/calendar/"):
        assert shown == "/v1/calendar/-"


def test_other_paths_are_logged_as_they_are(gateway, wait) -> None:
    mark = f"calendar-{secrets.token_hex(6)}"
    gateway.call("GET", "/v1/calendar-feed", [("X-Request-Id", mark)])
    (line,) = lines_of(gateway, wait, mark)
    assert json.loads(line)["path"] == "/v1/calendar-feed"


def test_calendars_have_a_limit_of_their_own(narrow) -> None:
    statuses = [narrow.call("GET", f"/v1/calendar/{secrets.token_urlsafe(32)}.ics").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert narrow.call("GET", "/v1/calendar-feed").status == 401
